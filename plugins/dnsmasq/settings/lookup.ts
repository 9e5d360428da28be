/** The network that an operation on DHCP names, with its settings. @module */
import type { Doc, Runtime, View } from '../../../core/plugin/api.ts';
import { type Network, networksOf } from '../network.ts';
import { type DhcpSpec, dhcp, dhcpError } from './dhcp-kind.ts';

export type DhcpDoc = Doc<DhcpSpec, null>;

/** @throws PvcError DHCP_NO_NETWORK */
export async function needNetwork(runtime: Pick<Runtime, 'ask' | 'signal'>, name: string): Promise<Network> {
  const found = (await networksOf(runtime)).find((network) => network.name === name);
  if (found === undefined) throw dhcpError('DHCP_NO_NETWORK', { network: name });
  return found;
}

/** @throws PvcError DHCP_OFF */
export async function needSettings(view: View, { name, vni }: Pick<Network, 'name' | 'vni'>): Promise<DhcpDoc> {
  const found = await view.get(dhcp, String(vni));
  if (found === undefined) throw dhcpError('DHCP_OFF', { network: name });
  return found;
}
