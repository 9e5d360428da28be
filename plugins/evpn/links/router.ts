/**
 * The MAC address of a node on the bridges of networks, and the way to those of the nodes that can be their gateway. BGP
 * does not tell of them; so it is written down on each node, and right also at the moment when another is the gateway. Pure.
 * @module
 */
import ipaddr from 'ipaddr.js';
import { z } from '../../../core/plugin/api.ts';

/** Locally administered, and no guest's by chance (QEMU's begin with 52:54:00). */
const start = '02:70';

/** That of the gateway where every node is one (anycast); no node's own, for no node has such an address. */
export const anycastMac = '02:70:00:00:00:01';

/** To the primary, whichever it is, from the other nodes of a network whose gateway is on every node. */
export const primaryMac = '02:70:00:00:00:02';

/** Another node that can be the gateway. */
export interface Router {
  readonly mac: string;
  /** On the cluster network: the end of the tunnel to it. */
  readonly address: string;
}

const octets = (address: string): number[] => ipaddr.parse(address).toByteArray().slice(-4);

/** @param address the node's on the cluster network; undefined on a cluster of one node without one */
export const routerMac = (address: string | undefined): string =>
  [start, ...octets(address ?? '0.0.0.0').map((byte) => byte.toString(16).padStart(2, '0'))].join(':');

/** The nodes that can be primary, without this one. */
export const routersOf = (
  nodes: readonly { readonly name: string; readonly role: string; readonly address: string | undefined }[],
  self: string,
): Router[] =>
  nodes
    .filter(({ name, role }) => name !== self && role === 'coordinator')
    .flatMap(({ address }) => (address === undefined ? [] : [{ mac: routerMac(address), address }]))
    .toSorted((a, b) => a.mac.localeCompare(b.mac));

const entry = z.looseObject({
  ifname: z.string().optional(),
  mac: z.string(),
  dst: z.string().optional(),
  master: z.string().optional(),
});
export type FdbEntry = z.output<typeof entry>;

/** What `bridge -j fdb show` tells. @throws Error for what is no such print */
export const readEntries = (stdout: string): FdbEntry[] =>
  z.array(entry).parse(stdout.trim() === '' ? [] : JSON.parse(stdout));

/**
 * The ways to routers among the entries of a VXLAN device: those that the bridge and the device both know, which have one
 * entry each.
 */
export function routersIn(entries: readonly FdbEntry[]): Router[] {
  const found = entries.filter(({ mac }) => mac.startsWith(start) && mac !== primaryMac);
  const bridged = new Set(found.filter(({ master }) => master !== undefined).map(({ mac }) => mac));
  return found
    .flatMap(({ mac, dst }) => (dst === undefined || !bridged.has(mac) ? [] : [{ mac, address: dst }]))
    .toSorted((a, b) => a.mac.localeCompare(b.mac));
}
