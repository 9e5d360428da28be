/** Addresses as numbers: what lies in a network, and before or after what. Pure. @module */
import ipaddr from 'ipaddr.js';
import { addressText } from '../../core/plugin/api.ts';

export type Family = 'ipv4' | 'ipv6';

export const familyOf = (address: string): Family => ipaddr.parse(address).kind();

/** @throws Error for what is no address */
export const numberOf = (address: string): bigint =>
  ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

export function addressOf(value: bigint, family: Family): string {
  const length = family === 'ipv4' ? 4 : 16;
  const bytes = Array.from({ length }, (_, index) => Number((value >> BigInt(8 * (length - 1 - index))) & 0xffn));
  return addressText(ipaddr.fromByteArray(bytes).toString());
}

/** The ends of a network and its length, from `10.20.0.0/24`. */
export interface Net {
  readonly family: Family;
  readonly bits: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** @throws Error for what is no prefix */
export function netOf(prefix: string): Net {
  const [address, bits] = ipaddr.parseCIDR(prefix);
  const family = address.kind();
  const size = 1n << BigInt((family === 'ipv4' ? 32 : 128) - bits);
  const first = (numberOf(address.toString()) / size) * size;
  return { family, bits, first, last: first + size - 1n };
}

export const isIn = ({ family, first, last }: Net, address: string): boolean =>
  familyOf(address) === family && numberOf(address) >= first && numberOf(address) <= last;

/** The first and the last address that a host may have: in IPv4, the network's own and the broadcast address are none. */
export function hostsOf({ family, bits, first, last }: Net): { readonly first: bigint; readonly last: bigint } {
  // RFC 3021: a network of two addresses has two hosts.
  if (family === 'ipv4' && bits < 31) return { first: first + 1n, last: last - 1n };
  return { first, last };
}

/** `255.255.255.0`. */
export const netmask = ({ bits }: Pick<Net, 'bits'>): string => ipaddr.IPv4.subnetMaskFromPrefixLength(bits).toString();
