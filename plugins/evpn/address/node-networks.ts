/** The networks that a node is in itself, from what `ip -j address show` tells. Pure. @module */
import ipaddr from 'ipaddr.js';
import { vniOf } from '../links/names.ts';
import { readAddresses } from '../links/reading.ts';

const networkOf = (address: string, length: number): string => {
  const text = `${address}/${length}`;
  return `${(address.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4).networkAddressFromCIDR(text).toString()}/${length}`;
};

/** Sorted prefixes; without those of guests' networks, of loopback and of links (fe80::). */
export function readNodeNetworks(stdout: string): string[] {
  const found = readAddresses(stdout)
    .filter(({ ifname }) => ifname !== undefined && vniOf(ifname) === undefined)
    .flatMap(({ addr_info }) => addr_info)
    .flatMap(({ local, prefixlen, scope }) =>
      local === undefined || prefixlen === undefined || scope !== 'global' ? [] : [networkOf(local, prefixlen)],
    );
  return [...new Set(found)].toSorted();
}
