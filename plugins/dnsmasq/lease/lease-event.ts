/** What dnsmasq tells of a lease, and what becomes of the lease in the store. Pure. @module */
import { addressText, names } from '../../../core/plugin/api.ts';
import { familyOf } from '../addresses.ts';
import { hostName } from '../reservation/reservation-kind.ts';
import { type LeaseClient, type LeaseSpec, leaseClient } from './lease-kind.ts';

/** The words of dnsmasq (`--dhcp-script` in dnsmasq(8)) and what it adds in its environment. */
export interface LeaseEvent {
  /** `old`: renewed, or changed otherwise. */
  readonly action: 'add' | 'old' | 'del';
  /** IPv4: the MAC address; IPv6: the DUID. */
  readonly client: string;
  readonly address: string;
  /** As the client calls itself. */
  readonly name?: string | undefined;
  /** Seconds since 1970. */
  readonly expires?: number | undefined;
  readonly clientId?: string | undefined;
  readonly iaid?: string | undefined;
  /** Of an IPv6 client, where it is known. */
  readonly mac?: string | undefined;
}

/** A client's own word for itself; undefined for one that is no host name: it goes nowhere. */
const properName = (name: string | undefined): string | null => hostName.safeParse(name ?? '').data ?? null;

/** @throws ZodError for what is no client */
function clientOf({ address, client, clientId, iaid, mac }: LeaseEvent): LeaseClient {
  return leaseClient.parse(
    familyOf(address) === 'ipv4'
      ? { family: 'ipv4', mac: client, clientId: clientId ?? null }
      : { family: 'ipv6', duid: client, iaid, mac: names.macAddress.safeParse(mac ?? '').data ?? null },
  );
}

/**
 * What the store is to hold for the address after the event; undefined: nothing.
 * @param known what it holds
 * @param sure the event comes from the primary. Another node may only be late: what has been given for longer since then
 *   counts for more.
 * @throws ZodError for an event that is none
 */
export function leaseAfter(
  event: LeaseEvent,
  instance: string,
  known: LeaseSpec | undefined,
  sure: boolean,
): LeaseSpec | undefined {
  const told = (event.expires ?? 0) * 1000;
  if (!sure && known?.instance === instance && known.expiresMs > told) return known;
  if (event.action === 'del') return undefined;
  return {
    instance,
    address: addressText(event.address),
    expiresMs: told,
    hostname: properName(event.name),
    client: clientOf(event),
  };
}
