/** An address, and perhaps a name, that is kept for one network card. @module */
import { defineKind, names, z } from '../../../core/plugin/api.ts';
import { networkName } from '../settings/dhcp-kind.ts';

/** A host's name (RFC 1123), lower case: it goes to dnsmasq's files and to DNS. */
export const hostName = z
  .string()
  .toLowerCase()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    'a host name is 1 to 63 of a-z, 0-9 and "-", not starting or ending with "-"',
  );

export const reservationSpec = z.strictObject({
  network: networkName,
  /** The settings (`instance`) with which it counts. */
  instance: names.uuid,
  mac: names.macAddress,
  address: z.ipv4(),
  hostname: hostName.nullable(),
});
export type ReservationSpec = z.infer<typeof reservationSpec>;

/** Its id is the number of the network, a dot and the MAC address. */
export const reservation = defineKind<ReservationSpec, null>({
  name: 'dhcp-reservation',
  plural: 'DHCP reservations',
  command: 'network dhcp',
  version: 1,
  id: z.string().regex(/^[1-9]\d{0,7}\.[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/),
  spec: reservationSpec,
  status: z.null(),
  unique: ({ instance, address, hostname }) => ({
    address: [`${instance} ${address}`],
    hostname: hostname === null ? [] : [`${instance} ${hostname}`],
  }),
  label: ({ network, mac }) => `${mac} in ${network}`,
});

export const reservationId = (vni: string, mac: string): string => `${vni}.${mac}`;

/** Those that count with the settings. */
export const reservationsOf = (
  docs: readonly { readonly spec: ReservationSpec }[],
  instance: string,
): ReservationSpec[] => docs.map(({ spec }) => spec).filter((spec) => spec.instance === instance);
