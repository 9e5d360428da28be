/** The floating address of the cluster network: the primary's, on the link of the node's own address. @module */
import { type FaultBook, faultId } from '../fault/fault-book.ts';
import { announceAddress } from '../host/announce-address.ts';
import type { Host } from '../host/host.ts';
import type { LeasedAddress, Runtime } from '../plugin/runtime.ts';
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

/** How a primary holds it: where it belongs, how it is announced, and what is told when it cannot be set. */
export const leaseOfFloating = (
  host: Host,
  node: string,
  addresses: FloatingOptions,
  faults: Pick<FaultBook, 'raise' | 'clear'>,
): Parameters<Runtime['leaseAddresses']>[0] => ({
  name: 'floating',
  wanted: () => placeOfFloating(host, addresses),
  announce: async (news) => {
    for (const one of news) await announceAddress(host, one);
  },
  trouble(reason) {
    const fault = faultId('floating-address', node);
    if (reason === undefined) faults.clear(fault);
    else
      faults.raise(fault, {
        severity: 'critical',
        message: `The floating address ${addresses.floating} could not be set: ${reason}`,
        hint: `Is the link with ${addresses.own} up? It is tried again by itself.`,
        object: `node ${node}`,
      });
  },
});
