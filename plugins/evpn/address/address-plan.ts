/** Which prefixes may be routed side by side: those of networks with gateways, and those that the nodes are in. @module */
import {
  cluster,
  clusterId,
  type Doc,
  defineKind,
  type NodeSpec,
  type NodeStatus,
  node as nodeKind,
  type PlanBuilder,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { addressError } from './address-errors.ts';
import { type Addressing, routedPrefixes } from './addressing.ts';
import { overlaps } from './prefix.ts';

const bookId = 'prefixes';

/**
 * How often routed prefixes have been given out. Each commit that gives one counts it up, so that two that did not see
 * each other conflict, and the second is planned again with the first in view.
 */
export const addressBook = defineKind<{ count: number }, null>({
  name: 'address-book',
  plural: 'address-books',
  version: 1,
  bookkeeping: true,
  id: z.literal(bookId),
  spec: z.strictObject({ count: z.int().min(0) }),
  status: z.null(),
});

/** The fact of a node that tells the networks that it is in itself, separated by blanks. */
export const nodeNetworksFact = 'networks';

/** A prefix that is taken, and by whom. */
export interface Taken {
  readonly prefix: string;
  readonly whose: string;
}

type NodeDoc = Pick<Doc<NodeSpec, NodeStatus>, 'id' | 'status'>;

/** What nodes have told of the networks that they are in themselves. Pure. */
export const takenByNodes = (nodes: readonly NodeDoc[]): Taken[] =>
  nodes.flatMap(({ id, status }) => {
    const fact = status?.facts['evpn']?.[nodeNetworksFact];
    if (typeof fact !== 'string' || fact === '') return [];
    return fact.split(' ').map((prefix) => ({ prefix, whose: `the node ${id}` }));
  });

/** @throws PvcError NETWORK_OVERLAP */
export function refuseOverlap(network: string, prefixes: readonly string[], taken: readonly Taken[]): void {
  for (const prefix of prefixes) {
    const clash = taken.find((one) => overlaps(one.prefix, prefix));
    if (clash !== undefined)
      throw addressError('NETWORK_OVERLAP', { network, prefix, other: clash.prefix, whose: clash.whose });
  }
}

export type AddressBook = Doc<{ count: number }, null> | undefined;

/** The book as it is now. It must be read before the networks are: what comes between the two then conflicts. */
export const addressBookOf = (view: View): Promise<AddressBook> => view.get(addressBook, bookId);

/**
 * Gives a network its routed prefixes.
 * @param others the other networks of guests
 * @throws PvcError NETWORK_OVERLAP
 */
export async function book(
  plan: PlanBuilder,
  view: View,
  known: AddressBook,
  network: { readonly name: string; readonly before: Addressing; readonly after: Addressing },
  others: readonly { readonly name: string; readonly addressing: Addressing }[],
): Promise<void> {
  const had = routedPrefixes(network.before);
  const added = routedPrefixes(network.after).filter((prefix) => !had.includes(prefix));
  if (added.length === 0) return;
  const cidr = (await view.get(cluster, clusterId))?.spec.networks?.cluster?.cidr;
  refuseOverlap(network.name, added, [
    ...(cidr === undefined ? [] : [{ prefix: cidr, whose: 'the cluster network' }]),
    ...takenByNodes(await view.list(nodeKind)),
    ...others.flatMap(({ name, addressing }) =>
      routedPrefixes(addressing).map((prefix) => ({ prefix, whose: `the network ${name}` })),
    ),
  ]);
  if (known === undefined) plan.create(addressBook, bookId, { count: 1 });
  else plan.update(addressBook, known, { count: known.spec.count + 1 });
}
