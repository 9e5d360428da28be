/** The floating address of the cluster network: the primary's, on the link of the node's own address. @module */
import type { LeasedAddress } from '../plugin/runtime.ts';
import { type AddressedLinks, type IpHost, showAddresses } from './leased-addresses.ts';

export interface FloatingOptions {
  /** The address itself, and this node's own one on the same network. */
  readonly floating: string;
  readonly own: string;
}

const execTimeoutMs = 3_000;

/** The link that has an address. Pure. */
export const deviceOf = (found: AddressedLinks, address: string): string | undefined =>
  found.find((link) => link.addr_info.some((info) => info.local === address))?.ifname;

/** Where the floating address belongs now. @throws Error when no link has the node's own */
export async function placeOfFloating(host: IpHost, { floating, own }: FloatingOptions): Promise<LeasedAddress[]> {
  const device = deviceOf(await showAddresses(host), own);
  if (device === undefined) throw new Error(`no link has ${own}`);
  return [{ device, address: `${floating}/${floating.includes(':') ? 128 : 32}` }];
}

/** Tells the neighbours where it is now. @throws Error with what arping says */
export async function announceFloating(host: IpHost, { device, address }: LeasedAddress): Promise<void> {
  const [floating = ''] = address.split('/');
  // IPv6: the kernel itself sends an unsolicited advertisement with nodad only when asked to; neighbours find out.
  if (floating.includes(':')) return;
  const done = await host.processes.exec(
    ['arping', '-q', '-U', '-c', '2', '-W', '0.2', '-w', '1', '-i', device, floating],
    { timeoutMs: execTimeoutMs },
  );
  if (done.code !== 0 && done.stderr.trim() !== '') throw new Error(done.stderr.trim());
}
