/** On which links of a node the site's floating addresses belong. Pure. @module */
import ipaddr from 'ipaddr.js';
import type { LeasedAddress } from '../../../core/plugin/api.ts';
import { contains } from '../address/prefix.ts';
import { vniOf } from '../links/names.ts';
import { readAddresses } from '../links/reading.ts';

interface OwnAddress {
  readonly device: string;
  readonly address: string;
  readonly length: number;
}

export interface Places {
  readonly placed: readonly LeasedAddress[];
  /** Why others have no place here. */
  readonly reasons: readonly string[];
}

const bitsOf = (address: string): number => (address.includes(':') ? 128 : 32);

/** Addresses of links of the site: with a network around them, which the floating ones do not have. */
const ownAddresses = (stdout: string): OwnAddress[] =>
  readAddresses(stdout).flatMap(({ ifname: device, addr_info }) =>
    addr_info.flatMap(({ local, prefixlen: length, scope }) =>
      device === undefined || vniOf(device) !== undefined || local === undefined || length === undefined
        ? []
        : scope === 'global' && length < bitsOf(local)
          ? [{ device, address: ipaddr.parse(local).toString(), length }]
          : [],
    ),
  );

/**
 * @param stdout what `ip -j address show` tells
 * @param floating addresses in their canonical writing
 */
export function placesOf(stdout: string, floating: readonly string[]): Places {
  const own = ownAddresses(stdout);
  const placed: LeasedAddress[] = [];
  const reasons: string[] = [];
  for (const address of floating) {
    const [narrowest] = own
      .filter((one) => contains(`${one.address}/${one.length}`, address))
      .toSorted((a, b) => b.length - a.length);
    if (narrowest === undefined) reasons.push(`no link has an address in the network of ${address}`);
    else if (own.some((one) => one.address === address)) reasons.push(`${address} is an address of this node itself`);
    else placed.push({ device: narrowest.device, address: `${address}/${bitsOf(address)}` });
  }
  return { placed, reasons };
}
