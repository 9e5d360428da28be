/** Leases as dnsmasq reads them at its start, from what its script prints (`read_leases` in its lease.c). Pure. @module */
import type { LeaseSpec } from './lease-kind.ts';

/**
 * By which IPv6 clients know the server again (a DUID of type UUID, RFC 6355, of a UUID of the form that is left to
 * programs, RFC 9562 version 8): the same wherever the network is served, else clients would not renew after a hand-over.
 */
export function serverDuid(vni: string): string {
  const number = Number(vni).toString(16).padStart(8, '0');
  const uuid = `7076636e0000800080000000${number}`;
  return ['00', '04', ...(uuid.match(/../g) ?? [])].join(':');
}

const line = ({ expiresMs, address, hostname, client }: LeaseSpec): string =>
  [
    Math.floor(expiresMs / 1000),
    client.family === 'ipv4' ? client.mac : client.iaid,
    address,
    hostname ?? '*',
    client.family === 'ipv4' ? (client.clientId ?? '*') : client.duid,
  ].join(' ');

/** IPv4 first, then the server's own id, then IPv6: dnsmasq takes what follows the id for IPv6. */
export function leaseFile(vni: string, leases: readonly LeaseSpec[]): string {
  const sorted = leases.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const of = (family: string): string[] => sorted.filter(({ client }) => client.family === family).map(line);
  return `${[...of('ipv4'), `duid ${serverDuid(vni)}`, ...of('ipv6')].join('\n')}\n`;
}
