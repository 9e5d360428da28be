/** Leases and reservations side by side. Pure. @module */
import { familyOf, numberOf } from '../addresses.ts';
import type { LeaseSpec } from '../lease/lease-kind.ts';
import type { ReservationSpec } from '../reservation/reservation-kind.ts';
import type { DhcpSpec } from '../settings/dhcp-kind.ts';

export interface AddressRow {
  readonly network: string;
  readonly type: 'lease' | 'reservation';
  readonly mac: string | null;
  readonly address: string;
  readonly hostname: string | null;
  readonly expiresMs: number | null;
}

interface Of<T> {
  readonly spec: T;
}

const byAddress = (a: AddressRow, b: AddressRow): number => {
  if (a.network !== b.network) return a.network < b.network ? -1 : 1;
  const [family, other] = [familyOf(a.address), familyOf(b.address)];
  if (family !== other) return family < other ? -1 : 1;
  const [from, to] = [numberOf(a.address), numberOf(b.address)];
  return from === to ? (a.type < b.type ? -1 : 1) : from < to ? -1 : 1;
};

/** By network and address. What belongs to no settings, and leases that are over, are none. */
export function addressRows(
  settings: readonly Of<DhcpSpec>[],
  leases: readonly Of<LeaseSpec>[],
  reservations: readonly Of<ReservationSpec>[],
  nowMs: number,
): AddressRow[] {
  const networks = new Map(settings.map(({ spec }) => [spec.instance, spec.network]));
  const rowsOf = <T extends { readonly instance: string }>(
    docs: readonly Of<T>[],
    row: (spec: T) => Omit<AddressRow, 'network'>,
  ): AddressRow[] =>
    docs.flatMap(({ spec }) => {
      const network = networks.get(spec.instance);
      return network === undefined ? [] : [{ network, ...row(spec) }];
    });
  return [
    ...rowsOf(
      leases.filter(({ spec }) => spec.expiresMs > nowMs),
      ({ address, hostname, expiresMs, client }) => ({ type: 'lease', mac: client.mac, address, hostname, expiresMs }),
    ),
    ...rowsOf(reservations, ({ mac, address, hostname }) => ({
      type: 'reservation',
      mac,
      address,
      hostname,
      expiresMs: null,
    })),
  ].toSorted(byAddress);
}
