/** The networks that a node is in itself, from what `ip -j address show` tells. Pure. @module */
import ipaddr from 'ipaddr.js';
import { z } from '../../../core/plugin/api.ts';
import { vniOf } from '../links/names.ts';

const devices = z.array(
  z.looseObject({
    ifname: z.string().optional(),
    addr_info: z
      .array(
        z.looseObject({ local: z.string().optional(), prefixlen: z.int().optional(), scope: z.string().optional() }),
      )
      .default([]),
  }),
);

const networkOf = (address: string, length: number): string => {
  const text = `${address}/${length}`;
  return `${(address.includes(':') ? ipaddr.IPv6 : ipaddr.IPv4).networkAddressFromCIDR(text).toString()}/${length}`;
};

/** Sorted prefixes; without those of guests' networks, of loopback and of links (fe80::). */
export function readNodeNetworks(stdout: string): string[] {
  const found = devices
    .parse(stdout.trim() === '' ? [] : JSON.parse(stdout))
    .filter(({ ifname }) => ifname !== undefined && vniOf(ifname) === undefined)
    .flatMap(({ addr_info }) => addr_info)
    .flatMap(({ local, prefixlen, scope }) =>
      local === undefined || prefixlen === undefined || scope !== 'global' ? [] : [networkOf(local, prefixlen)],
    );
  return [...new Set(found)].toSorted();
}
