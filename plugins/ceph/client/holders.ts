/** Who has an image open: Ceph's watchers, by the names of nodes. @module */
import { node as nodeKind, type View } from '../../../core/plugin/api.ts';
import { addressToldBy } from '../cluster/own-address.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { watchersOf } from '../volume/image.ts';

export interface Holder {
  /** As Ceph names the client: `10.10.1.2:0/3141592653`. */
  readonly address: string;
  /** The node that it is on; null: none of this cluster. */
  readonly node: string | null;
}

/** The host in an address of Ceph's: `[fd00::1]:0/12`, `10.10.1.2:0/12`. */
export const hostOf = (address: string): string =>
  address
    .replace(/^(?:v[12]:)?/, '')
    .replace(/:\d+\/\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');

/** Nodes by their addresses, that on the storage network first of all. */
export async function nodesByAddress(view: View): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const node of await view.list(nodeKind)) {
    if (node.spec.address !== undefined) found.set(node.spec.address, node.id);
    const storage = addressToldBy(node);
    if (storage !== undefined) found.set(storage, node.id);
  }
  return found;
}

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function holdersOf(ceph: CephCommand, view: View, image: string): Promise<Holder[]> {
  const watchers = await watchersOf(ceph, image);
  if (watchers.length === 0) return [];
  const nodes = await nodesByAddress(view);
  return watchers.map(({ address }) => ({ address, node: nodes.get(hostOf(address)) ?? null }));
}

/** `hv2 (10.10.1.2:0/3141592653)` */
export const holderText = ({ node, address }: Holder): string => (node === null ? address : `${node} (${address})`);
