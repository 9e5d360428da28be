/** Which of this machine's addresses is its own on the cluster network. @module */
import ipaddr from 'ipaddr.js';
import { defineErrors } from '../error/error.ts';

const addressError = defineErrors({
  ADDRESS_NONE: {
    message: 'This machine has no address in the cluster network {cidr}.',
    hint: 'It has: {addresses}. Configure its network first, or name another network.',
    http: 409,
    exit: 'refused',
  },
  ADDRESS_SEVERAL: {
    message: 'This machine has several addresses in the cluster network {cidr}: {addresses}.',
    hint: 'Say which one is its own with --address.',
    http: 409,
    exit: 'refused',
  },
  FLOATING_UNFIT: {
    message: '{floating} cannot be the floating address of {cidr}: {reason}.',
    hint: 'Take a free address of that network that belongs to no machine.',
    http: 422,
    exit: 'usage',
  },
});

export const inNetwork = (cidr: string, address: string): boolean => {
  const [network, bits] = ipaddr.parseCIDR(cidr);
  const parsed = ipaddr.parse(address);
  return parsed.kind() === network.kind() && parsed.match(network, bits);
};

/** @throws PvcError ADDRESS_NONE, ADDRESS_SEVERAL */
export function ownAddress(cidr: string, addresses: readonly string[], wanted?: string, floating?: string): string {
  const all = addresses.join(', ');
  // A daemon that was primary a moment ago may still have it.
  const fitting = addresses.filter((address) => address !== floating && inNetwork(cidr, address));
  if (wanted !== undefined) {
    if (!fitting.includes(wanted)) throw addressError('ADDRESS_NONE', { cidr, addresses: all });
    return wanted;
  }
  const [first, second] = fitting;
  if (first === undefined) throw addressError('ADDRESS_NONE', { cidr, addresses: all });
  if (second !== undefined) throw addressError('ADDRESS_SEVERAL', { cidr, addresses: fitting.join(', ') });
  return first;
}

/** @throws PvcError FLOATING_UNFIT */
export function checkFloating(cidr: string, floating: string, taken: readonly string[]): void {
  if (!inNetwork(cidr, floating)) throw addressError('FLOATING_UNFIT', { floating, cidr, reason: 'it is not in it' });
  if (taken.includes(floating))
    throw addressError('FLOATING_UNFIT', { floating, cidr, reason: 'a machine has it as its own' });
}
