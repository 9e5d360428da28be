/** Tells the neighbours on a link that an address is there now. @module */
import type { Host } from './host.ts';

const execTimeoutMs = 3_000;

export interface AnnouncedAddress {
  readonly device: string;
  /** With the length of its network: `10.0.0.10/32`. */
  readonly address: string;
}

/** By ARP; of an IPv6 address the neighbours find out by themselves. @throws Error with what arping says */
export async function announceAddress(
  { processes }: Pick<Host, 'processes'>,
  { device, address: withLength }: AnnouncedAddress,
): Promise<void> {
  const [address = ''] = withLength.split('/');
  // IPv6: the kernel itself sends an unsolicited advertisement with nodad only when asked to; neighbours find out.
  if (address.includes(':')) return;
  const done = await processes.exec(['arping', '-q', '-U', '-c', '2', '-W', '0.2', '-w', '1', '-i', device, address], {
    timeoutMs: execTimeoutMs,
  });
  if (done.code !== 0 && done.stderr.trim() !== '') throw new Error(done.stderr.trim());
}
