/** Masquerade: guests of a network go outside under the address of the node. @module */
import type { NetworkSpec } from '../network/network-kind.ts';
import { firewallError } from './acl-kind.ts';

/** @throws PvcError NETWORK_NAT: nothing leaves a network that has no gateway */
export function needNat({ name, nat, ipv4, ipv6 }: NetworkSpec): void {
  if (nat === true && ipv4?.gateway === undefined && ipv6?.gateway === undefined)
    throw firewallError('NETWORK_NAT', { network: name });
}
