/** What a network that somebody names has of names. Pure. @module */
import { pdnsError } from '../record/record-kind.ts';
import type { NamedNetwork } from './entry.ts';
import { reverseZones } from './reverse.ts';

/** @throws PvcError DNS_NO_NETWORK, DNS_NO_DOMAIN */
export function needDomain(networks: readonly NamedNetwork[], network: string): string {
  const found = networks.find(({ name }) => name === network);
  if (found === undefined) throw pdnsError('DNS_NO_NETWORK', { network });
  if (found.domain === null) throw pdnsError('DNS_NO_DOMAIN', { network });
  return found.domain;
}

/** The zones that a network has names in: its domain, then its reverse zones; none without a domain. */
export const networkZones = ({ domain, ipv4, ipv6 }: NamedNetwork): string[] =>
  domain === null ? [] : [domain, ...[ipv4, ipv6].flatMap((one) => (one === null ? [] : reverseZones(one.prefix)))];
