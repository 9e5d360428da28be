/** How addresses are given out in a network: there is one such document for each network with DHCP. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { networkKind } from '../network.ts';

export const networkName = names.objectName.describe('name of the network');

/** Numbers of networks (VNI) have 24 bits. */
export const vniText = z.string().regex(/^[1-9]\d{0,7}$/, 'a network is known by its number (VNI)');

const address = z.union([z.ipv4(), z.ipv6()]);
const mostItems = 16;

export const rangeSpec = z.strictObject({ from: address, to: address });
export type Range = z.infer<typeof rangeSpec>;

/** From two minutes, the least that dnsmasq does, to a year, seconds. */
export const leaseTime = z
  .int()
  .min(120)
  .max(365 * 86_400);

/** A file that a guest boots: what DHCP carries of it has 128 bytes (RFC 2131, section 2). */
export const bootFileName = z
  .string()
  .regex(/^[A-Za-z0-9/][A-Za-z0-9._/-]{0,126}$/, 'a path of letters, digits, ".", "_", "/" and "-"');

export const ipv6Mode = z.enum(['none', 'stateless', 'stateful']);

export const dhcpSpec = z.strictObject({
  network: networkName,
  /**
   * Drawn anew whenever DHCP is switched on. Reservations and leases carry it: those of an earlier network of the same
   * number are nobody's.
   */
  instance: names.uuid,
  /** IPv4 addresses that are given to whoever asks; none: reservations only. */
  ranges: z.array(rangeSpec).max(mostItems),
  leaseTimeS: leaseTime,
  /** Name servers; none: the gateway. */
  dns: z.array(address).max(mostItems),
  ntp: z.array(address).max(mostItems),
  /** Further routes (RFC 3442). */
  routes: z.array(z.strictObject({ to: z.cidrv4(), via: z.ipv4() })).max(mostItems),
  /** What guests boot from the network, and the TFTP server that has it. */
  boot: z.strictObject({ file: bootFileName, server: z.ipv4() }).nullable(),
  /**
   * `stateless`: guests make their addresses themselves from the prefix that routers announce (SLAAC), and ask for the rest;
   * `stateful`: they are given addresses; `none`: nothing is announced.
   */
  ipv6: ipv6Mode,
  /** Of `stateful`. */
  ipv6Range: rangeSpec.nullable(),
});
export type DhcpSpec = z.infer<typeof dhcpSpec>;

/** Its id is the number of the network. */
export const dhcp = defineKind<DhcpSpec, null>({
  name: 'dhcp',
  plural: 'DHCP settings',
  command: 'network dhcp',
  version: 1,
  id: vniText,
  spec: dhcpSpec,
  status: z.null(),
  refers: ({ network }) => [{ kind: networkKind, name: network }],
  belongs: ({ network }) => ({ kind: networkKind, name: network }),
  label: ({ network }) => network,
});

export const dhcpError = defineErrors({
  DHCP_NO_NETWORK: {
    message: 'There is no network {network}.',
    hint: 'See `pvc network list`.',
    http: 404,
    exit: 'notFound',
  },
  DHCP_OFF: {
    message: 'DHCP is off in the network {network}.',
    hint: 'Switch it on with `pvc network dhcp enable {network}`.',
    http: 409,
    exit: 'refused',
  },
  DHCP_ON: {
    message: 'DHCP is on in the network {network} already.',
    hint: 'Change its settings with `pvc network dhcp modify {network}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  DHCP_UNCHANGED: {
    message: 'Nothing to change in the DHCP settings of {network}.',
    hint: 'They are already as asked.',
    http: 409,
    exit: 'refused',
  },
  DHCP_INVALID: {
    message: 'DHCP in the network {network} cannot be like this: {reason}',
    hint: 'See `pvc network info {network}` and `pvc network dhcp info {network}`. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  DHCP_RESERVED: {
    message: 'In the network {network}, {what} is reserved for {mac} already.',
    hint: 'See `pvc network dhcp list {network}`. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  DHCP_NOT_RESERVED: {
    message: 'In the network {network}, nothing is reserved for {mac}.',
    hint: 'See `pvc network dhcp list {network}`.',
    http: 404,
    exit: 'notFound',
  },
  DNSMASQ_MISSING: {
    message: 'dnsmasq is not installed on {node} (package dnsmasq-base), so no guest gets an address from it.',
    hint: 'Install it: `apt install dnsmasq-base`. PVC goes on by itself.',
    http: 503,
    exit: 'failed',
  },
  DNSMASQ_NOT_STARTED: {
    message: 'The DHCP part of this daemon has not started yet.',
    hint: 'Try again in a moment.',
    http: 503,
    exit: 'unreachable',
  },
});
