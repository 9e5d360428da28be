/** Whether machines can boot from a network as it is asked for. Pure. @module */
import ipaddr from 'ipaddr.js';
import { addressProblem, type Taken } from '../machine/machine-rules.ts';
import type { ProvisioningSpec } from './network-kind.ts';

const numberOf = (address: string): number =>
  ipaddr.IPv4.parse(address)
    .toByteArray()
    .reduce((sum, byte) => sum * 256 + byte, 0);

/** `10.9.0.1` of `10.9.0.1/24`. */
export const hostPart = (address: string): string => address.split('/')[0] ?? '';

/** `10.9.0.0/24` of `10.9.0.1/24`. */
export const netPart = (address: string): string =>
  `${ipaddr.IPv4.networkAddressFromCIDR(address).toString()}/${address.split('/')[1]}`;

export const netmaskOf = (address: string): string =>
  ipaddr.IPv4.subnetMaskFromPrefixLength(Number(address.split('/')[1])).toString();

/** Why it cannot be; undefined: it can. */
export function networkProblem({ address, range }: ProvisioningSpec, taken: readonly Taken[]): string | undefined {
  const own = hostPart(address);
  const cidr = netPart(address);
  const bits = Number(address.split('/')[1]);
  if (bits > 30) return `${cidr} has no room for machines`;
  const problem = addressProblem(cidr, own);
  if (problem !== undefined) return `the primary cannot have ${own}: ${problem}`;
  const holder = taken.find((one) => one.address === own);
  if (holder !== undefined) return `${own} is taken by ${holder.by}`;
  if (range === null) return undefined;
  for (const end of [range.from, range.to]) {
    const wrong = addressProblem(cidr, end);
    if (wrong !== undefined) return `machines cannot have ${end}: ${wrong}`;
  }
  const [from, to] = [numberOf(range.from), numberOf(range.to)];
  if (from > to) return `${range.from} comes after ${range.to}`;
  const inside = [{ address: own, by: 'the primary' }, ...taken].find(
    (one) => ipaddr.IPv4.isValid(one.address) && numberOf(one.address) >= from && numberOf(one.address) <= to,
  );
  return inside === undefined ? undefined : `${inside.address} of ${inside.by} is in ${range.from}-${range.to}`;
}
