/** Addresses of this machine, as ip(8) tells of them and takes them off. @module */
import { z } from 'zod';
import type { Host } from '../host/host.ts';
import type { LeasedAddress } from '../plugin/runtime.ts';

export type IpHost = Pick<Host, 'clock' | 'files' | 'log' | 'processes'>;

export const execTimeoutMs = 3_000;
const removeTries = 4;

const links = z.array(
  z.looseObject({
    ifname: z.string().optional(),
    addr_info: z.array(z.looseObject({ local: z.string().optional(), prefixlen: z.int().optional() })).default([]),
  }),
);
export type AddressedLinks = z.infer<typeof links>;

export const keyOf = ({ device, address }: LeasedAddress): string => `${address} ${device}`;

/** All addresses of this machine. */
export async function showAddresses(host: IpHost): Promise<AddressedLinks> {
  const done = await host.processes.exec(['ip', '-j', 'addr', 'show'], { timeoutMs: execTimeoutMs });
  if (done.code !== 0) throw new Error(`ip -j addr show: ${done.stderr.trim() || `exit ${done.code}`}`);
  return links.parse(JSON.parse(done.stdout));
}

/** The keys of all of them. */
export async function presentAddresses(host: IpHost): Promise<ReadonlySet<string>> {
  return new Set(
    (await showAddresses(host)).flatMap(({ ifname = '', addr_info }) =>
      addr_info.map(({ local, prefixlen }) => keyOf({ device: ifname, address: `${local}/${prefixlen}` })),
    ),
  );
}

/** Takes them off; not having them is fine. @throws Error when one is still there afterwards */
export async function removeAddresses(host: IpHost, addresses: readonly LeasedAddress[]): Promise<void> {
  if (addresses.length === 0) return;
  for (let tries = 1; ; tries += 1) {
    const there = await presentAddresses(host);
    const left = addresses.filter((one) => there.has(keyOf(one)));
    const [first] = left;
    if (first === undefined) return;
    if (tries >= removeTries) throw new Error(`${first.address} is still on ${first.device}`);
    const input = left.map(({ device, address }) => `addr del ${address} dev ${device}\n`).join('');
    const done = await host.processes.exec(['ip', '-force', '-batch', '-'], { timeoutMs: execTimeoutMs, input });
    // Life times may have ended this moment, devices gone: the next look tells.
    if (done.code !== 0) host.log.debug('addresses could not be taken off', { reason: done.stderr.trim() });
  }
}
