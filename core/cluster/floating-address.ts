/** The floating address of the cluster network: the primary's, on the link of the node's own address. @module */
import type { LeasedAddress } from '../plugin/runtime.ts';
import { type AddressedLinks, type IpHost, showAddresses } from './ip-addresses.ts';

export interface FloatingOptions {
  /** The address itself, and this node's own one on the same network. */
  readonly floating: string;
  readonly own: string;
}

/** The link that has an address. Pure. */
export const deviceOf = (found: AddressedLinks, address: string): string | undefined =>
  found.find((link) => link.addr_info.some((info) => info.local === address))?.ifname;

/** Where the floating address belongs now. @throws Error when no link has the node's own */
export async function placeOfFloating(host: IpHost, { floating, own }: FloatingOptions): Promise<LeasedAddress[]> {
  const device = deviceOf(await showAddresses(host), own);
  if (device === undefined) throw new Error(`no link has ${own}`);
  return [{ device, address: `${floating}/${floating.includes(':') ? 128 : 32}` }];
}
