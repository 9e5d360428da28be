/**
 * Networks as the plugin that makes them tells of them: its query `network.list`, and that the bridge of a network is
 * called `pvcn` and its number on every node.
 * @module
 */
import { type Runtime, z } from '../../core/plugin/api.ts';

const addressing = z.object({ prefix: z.string(), gateway: z.string().nullable() }).nullable();

const row = z.object({
  name: z.string(),
  vni: z.int(),
  mtu: z.int(),
  ipv4: addressing,
  ipv6: addressing,
  domain: z.string().nullable(),
});
export type Network = z.output<typeof row>;

/** The prefix and the gateway's address of a family in which the network has a gateway. */
export interface Served {
  readonly prefix: string;
  readonly gateway: string;
}

export const servedIn = (network: Pick<Network, 'ipv4' | 'ipv6'>, family: 'ipv4' | 'ipv6'): Served | undefined => {
  const found = network[family];
  return found?.gateway ? { prefix: found.prefix, gateway: found.gateway } : undefined;
};

/** The name by which this plugin's documents and that one's changes refer to networks. */
export const networkKind = 'network';

/** The kind of guests, whose cards are on networks (plugin libvirt). */
export const guestKind = 'vm';

export const bridgeName = (vni: string): string => `pvcn${vni}`;

/** @throws PvcError what the query throws */
export async function networksOf(runtime: Pick<Runtime, 'ask' | 'signal'>): Promise<Network[]> {
  return z.array(row).parse(await runtime.ask('network.list', { guests: false }, runtime.signal));
}
