/** A node that passes packets on from one link to another, and stays what it was otherwise. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { macOfTap, vniOf } from './names.ts';

const ipv6 = '/proc/sys/net/ipv6/conf';
const switches = ['/proc/sys/net/ipv4/ip_forward', `${ipv6}/all/forwarding`];

/** 1: routers are believed as long as nothing is passed on; 2: also then (accept_ra, Documentation/networking/ip-sysctl). */
const [unlessForwarding, always] = ['1', '2'];

/**
 * The kernel believes no router any more once it passes packets on itself: a node that has its own address or default route
 * from a router's word would lose it. So those links that believe go on to.
 */
export async function keepRouters({ files }: Pick<Host, 'files'>): Promise<void> {
  for (const device of (await files.list(ipv6)) ?? []) {
    if (device === 'all' || device === 'default' || vniOf(device) !== undefined || macOfTap(device) !== undefined)
      continue;
    const path = `${ipv6}/${device}/accept_ra`;
    if ((await files.readText(path))?.trim() === unlessForwarding) await files.append(path, `${always}\n`);
  }
}

/** Passes packets on. It stays so: FRR wants it as well, and what may pass is told by the firewall. */
export async function forwardPackets(host: Pick<Host, 'files'>): Promise<void> {
  const { files } = host;
  for (const path of switches) {
    const now = await files.readText(path);
    // A kernel without IPv6 has no such file.
    if (now === undefined || now.trim() === '1') continue;
    await keepRouters(host);
    await files.append(path, '1\n');
  }
}
