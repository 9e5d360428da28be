/** The addresses of nodes on the storage network. @module */
import {
  cluster,
  clusterId,
  type Doc,
  type NodeSpec,
  type NodeStatus,
  type Runtime,
  z,
} from '../../../core/plugin/api.ts';

/** The fact of a node that tells its address on the storage network. */
export const addressFact = 'address';

/** What a node's daemon has told of that. */
export function addressToldBy(node: Doc<NodeSpec, NodeStatus> | undefined): string | undefined {
  const told = node?.status?.facts['ceph']?.[addressFact];
  return typeof told === 'string' ? told : undefined;
}

const links = z.array(
  z.looseObject({ addr_info: z.array(z.looseObject({ local: z.string().optional() })).optional() }),
);

/** The machine's first address in that range, the primary's floating ones left out; undefined when it has none. */
export async function ownAddressIn(
  { host, documents }: Pick<Runtime, 'host' | 'documents'>,
  cidr: string,
): Promise<string | undefined> {
  const floating = (await documents.get(cluster, clusterId))?.spec.networks?.cluster?.floating;
  const shown = await host.processes.exec(['ip', '-j', 'address', 'show', 'to', cidr], { timeoutMs: 5_000 });
  if (shown.code !== 0) throw new Error(`the addresses of this machine cannot be read: ${shown.stderr.trim()}`);
  // iproute2 prints `{}` for each device without a matching address.
  const found = links.parse(shown.stdout.trim() === '' ? [] : JSON.parse(shown.stdout));
  return found
    .flatMap((link) => link.addr_info ?? [])
    .flatMap(({ local }) => local ?? [])
    .find((address) => address !== floating);
}
