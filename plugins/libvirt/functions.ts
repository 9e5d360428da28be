/**
 * Virtual functions of nodes' cards (SR-IOV), which the plugin evpn gives to guests on some of its networks: it tells of them in
 * the fact `network functions` of each node, `fast=ens1f0/8 lab=ens1f0/8 slow=ens9/0`: network, card, how many functions of the
 * card guests there can have. Pure.
 * @module
 */
import type { NodeDoc } from './ledger.ts';
import type { VmSpec } from './schema.ts';

/** What a network of functions has on a node. */
export interface FunctionPool {
  readonly device: string;
  readonly functions: number;
}

/** By the name of the network. Networks that share a card share its functions. */
export function functionPools(node: Pick<NodeDoc, 'status'> | undefined): ReadonlyMap<string, FunctionPool> {
  const told = String(node?.status?.facts['evpn']?.['network functions'] ?? '');
  return new Map(
    [...told.matchAll(/(\S+?)=([^\s/]+)\/(\d+)/g)].map(([, network = '', device = '', count]) => [
      network,
      { device, functions: Number(count) },
    ]),
  );
}

/** Cards of a guest that are functions, by network: of `networks` only. */
export function functionCards(
  { nics }: Pick<VmSpec, 'nics'>,
  networks: { has(network: string): boolean },
): readonly { readonly mac: string; readonly network: string }[] {
  return nics.flatMap(({ mac, source }) =>
    source.type === 'network' && networks.has(source.network) ? [{ mac, network: source.network }] : [],
  );
}

/** How many functions guests take, by network. */
export function functionsTaken(
  guests: readonly Pick<VmSpec, 'nics'>[],
  networks: { has(network: string): boolean },
): ReadonlyMap<string, number> {
  const taken = new Map<string, number>();
  for (const guest of guests)
    for (const { network } of functionCards(guest, networks)) taken.set(network, (taken.get(network) ?? 0) + 1);
  return taken;
}

/**
 * Why guests find no functions on a node, one sentence for each card that has too few.
 * @param pools of the node
 * @param wanted by network, of the guests that come
 * @param taken by network, of those that are there
 */
export function functionRefusals(
  pools: ReadonlyMap<string, FunctionPool>,
  wanted: ReadonlyMap<string, number>,
  taken: ReadonlyMap<string, number>,
): string[] {
  const sumOn = (device: string, counts: ReadonlyMap<string, number>): number =>
    [...counts].reduce((sum, [network, count]) => sum + (pools.get(network)?.device === device ? count : 0), 0);
  const devices = new Set([...wanted.keys()].flatMap((network) => pools.get(network)?.device ?? []));
  const unknown = [...wanted.keys()].filter((network) => !pools.has(network));
  return [
    ...unknown.map((network) => `it has told of no virtual functions for the network ${network}`),
    ...[...devices].flatMap((device) => {
      const functions = Math.max(
        0,
        ...[...pools.values()].filter((one) => one.device === device).map((one) => one.functions),
      );
      const left = functions - sumOn(device, taken);
      if (sumOn(device, wanted) <= left) return [];
      return functions === 0
        ? [`it has no virtual functions of ${device}`]
        : [`only ${Math.max(0, left)} of its ${functions} virtual functions of ${device} are not promised to guests`];
    }),
  ];
}
