/** Prefixes of networks and the addresses in them: their arithmetic. Pure. @module */
import ipaddr from 'ipaddr.js';
import { z } from '../../../core/plugin/api.ts';

export type Family = 'ipv4' | 'ipv6';

/** Which lengths a network of guests may have: two hosts at least, and no more than anybody could mean. */
const lengths = { ipv4: { least: 8, most: 30 }, ipv6: { least: 48, most: 126 } } as const;

/** As they are written (RFC 4632, 4291): strictly, for some readers take 010 for 8. */
const cidr = { ipv4: z.cidrv4(), ipv6: z.cidrv6() } as const;
const address = { ipv4: z.ipv4(), ipv6: z.ipv6() } as const;

/** Addresses that no host of a network can have (RFC 6890, 4291). */
const otherwiseUsed = {
  ipv4: [
    ['0.0.0.0/8', 'this host'],
    ['127.0.0.0/8', 'loopback'],
    ['169.254.0.0/16', 'link-local'],
    ['192.0.0.0/24', 'protocols'],
    ['224.0.0.0/4', 'multicast'],
    ['240.0.0.0/4', 'reserved'],
  ],
  ipv6: [
    ['::/8', 'loopback and IPv4 addresses'],
    ['100::/64', 'discard'],
    ['2001::/32', 'Teredo'],
    ['2002::/16', '6to4'],
    ['fe80::/10', 'link-local'],
    ['fec0::/10', 'site-local, not used any more'],
    ['ff00::/8', 'multicast'],
  ],
} as const;

/** Why something is refused, and what to do instead. */
export interface Refusal {
  readonly reason: string;
  readonly advice: string;
}

const versions = { ipv4: 'IPv4', ipv6: 'IPv6' } as const;
const examples = { ipv4: '10.20.0.0/24', ipv6: 'fd20::/64' } as const;

export const familyOf = (text: string): Family => (text.includes(':') ? 'ipv6' : 'ipv4');

const networkOf = (family: Family, text: string): string =>
  (family === 'ipv4' ? ipaddr.IPv4.networkAddressFromCIDR(text) : ipaddr.IPv6.networkAddressFromCIDR(text)).toString();

const lengthOf = (prefix: string): number => Number(prefix.split('/')[1]);

/** Whether two prefixes have an address in common; those of different families never do. */
export function overlaps(one: string, other: string): boolean {
  const [a, aLength] = ipaddr.parseCIDR(one);
  const [b, bLength] = ipaddr.parseCIDR(other);
  return a.kind() === b.kind() && a.match(b, Math.min(aLength, bLength));
}

/** Whether the address lies in the prefix. */
export function contains(prefix: string, text: string): boolean {
  const [network, length] = ipaddr.parseCIDR(prefix);
  const parsed = ipaddr.parse(text);
  return parsed.kind() === network.kind() && parsed.match(network, length);
}

/** The prefix in the one way in which it is kept, or why it cannot be that of a network. */
export function readPrefix(family: Family, text: string): { readonly prefix: string } | Refusal {
  const form = { advice: `Write the network and its length, as ${examples[family]}.` };
  if (!cidr[family].safeParse(text).success) return { reason: `it is no ${versions[family]} prefix`, ...form };
  const length = lengthOf(text);
  const { least, most } = lengths[family];
  if (length < least || length > most)
    return { reason: `its length is not ${least} to ${most}`, advice: 'Take a network of another size.' };
  const prefix = `${networkOf(family, text)}/${length}`;
  const [given] = ipaddr.parseCIDR(text);
  if (`${given.toString()}/${length}` !== prefix)
    return { reason: 'bits of it are set that are for hosts', advice: `The network with that address is ${prefix}.` };
  const other = otherwiseUsed[family].find(([block]) => overlaps(block, prefix));
  if (other !== undefined)
    return {
      reason: `addresses of ${other[0]} are for something else (${other[1]})`,
      advice: `Take one for hosts, as ${examples[family]}.`,
    };
  return { prefix };
}

/** The first address of a prefix that a host may have. */
export function firstHost(prefix: string): string {
  const [network] = ipaddr.parseCIDR(prefix);
  const bytes = network.toByteArray();
  // Lengths are such that the last bit is always one for hosts.
  bytes.push((bytes.pop() ?? 0) + 1);
  return ipaddr.fromByteArray(bytes).toString();
}

/** An address of a host in the prefix in the one way in which it is kept, or why it cannot be one. */
export function readHost(family: Family, prefix: string, text: string): { readonly address: string } | Refusal {
  const form = { advice: `Take an address of ${prefix}, as ${firstHost(prefix)}.` };
  if (!address[family].safeParse(text).success) return { reason: `it is no ${versions[family]} address`, ...form };
  const parsed = ipaddr.parse(text).toString();
  if (!contains(prefix, parsed)) return { reason: `it is not in ${prefix}`, ...form };
  if (parsed === networkOf(family, prefix))
    return {
      reason: family === 'ipv4' ? 'it is the address of the network itself' : 'it is that of any router',
      ...form,
    };
  if (family === 'ipv4' && parsed === ipaddr.IPv4.broadcastAddressFromCIDR(prefix).toString())
    return { reason: 'it is the broadcast address', ...form };
  return { address: parsed };
}
