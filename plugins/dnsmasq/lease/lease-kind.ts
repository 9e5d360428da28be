/** An address that a guest has until a time, as dnsmasq has told. @module */
import { defineKind, names, z } from '../../../core/plugin/api.ts';
import { hostName } from '../reservation/reservation-kind.ts';

/** Octets in hexadecimal with colons, as dnsmasq writes them. */
export const octets = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){0,254}$/, 'octets are written like 01:52:54:00');

/** Who has it. In IPv4 a network card or a client's own id; in IPv6 a client (DUID) and one of its interfaces (IAID). */
export const leaseClient = z.discriminatedUnion('family', [
  z.strictObject({ family: z.literal('ipv4'), mac: names.macAddress, clientId: octets.nullable() }),
  z.strictObject({
    family: z.literal('ipv6'),
    duid: octets,
    /** `T` before it: for temporary addresses (RFC 8415, section 21.5). */
    iaid: z.string().regex(/^T?\d{1,10}$/),
    mac: names.macAddress.nullable(),
  }),
]);
export type LeaseClient = z.infer<typeof leaseClient>;

export const leaseSpec = z.strictObject({
  /** The settings (`instance`) with which it counts. */
  instance: names.uuid,
  address: z.union([z.ipv4(), z.ipv6()]),
  /** Wall clock. */
  expiresMs: z.int().min(0),
  hostname: hostName.nullable(),
  client: leaseClient,
});
export type LeaseSpec = z.infer<typeof leaseSpec>;

/** Its id is the number of the network, a dot and the address: in a network, an address has one holder. */
export const lease = defineKind<LeaseSpec, null>({
  name: 'dhcp-lease',
  plural: 'DHCP leases',
  command: 'network dhcp',
  version: 1,
  id: z.string().regex(/^[1-9]\d{0,7}\.[0-9a-f.:]{2,45}$/),
  spec: leaseSpec,
  status: z.null(),
  bookkeeping: true,
  label: ({ address }) => address,
});

export const leaseId = (vni: string, address: string): string => `${vni}.${address}`;
