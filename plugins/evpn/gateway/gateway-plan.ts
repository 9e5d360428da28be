/** Which addresses the primary has on the bridges of networks. Pure. @module */
import type { LeasedAddress } from '../../../core/plugin/api.ts';
import type { Addressing, FamilySpec } from '../address/addressing.ts';
import { bridgeName } from '../links/names.ts';

/**
 * The gateway's address on the link itself, by which guests know their router (RFC 4861, 4.2). It goes with the role as the
 * others do: routes that guests have learned stay right when another node is the gateway.
 */
export const routerLinkLocal = 'fe80::1/64';

/** What matters of a network here. */
export interface GatewayNetwork {
  readonly vni: string;
  readonly addressing: Addressing;
}

const withLength = ({ prefix, gateway }: FamilySpec): string[] =>
  gateway === undefined ? [] : [`${gateway}/${prefix.split('/')[1]}`];

const addressesOf = ({ ipv4, ipv6 }: Addressing): string[] => {
  const [four, six] = [ipv4, ipv6].map((family) => (family === undefined ? [] : withLength(family)));
  return [...(four ?? []), ...(six ?? []), ...(six?.length ? [routerLinkLocal] : [])];
};

/**
 * The addresses of all gateways.
 * @param bridges devices of this node that PVC made and that are on
 */
export const gatewayAddresses = (networks: readonly GatewayNetwork[], bridges: ReadonlySet<string>): LeasedAddress[] =>
  networks
    .map(({ vni, addressing }) => ({ device: bridgeName(vni), addressing }))
    .filter(({ device }) => bridges.has(device))
    .flatMap(({ device, addressing }) => addressesOf(addressing).map((address) => ({ device, address })));

/** Whether each network with a gateway has its bridge. */
export const isWhole = (networks: readonly GatewayNetwork[], bridges: ReadonlySet<string>): boolean =>
  networks.every(({ vni, addressing }) => addressesOf(addressing).length === 0 || bridges.has(bridgeName(vni)));

/** Devices with an IPv6 address among these. */
export const devicesWithIpv6 = (addresses: readonly LeasedAddress[]): string[] => [
  ...new Set(addresses.filter(({ address }) => address.includes(':')).map(({ device }) => device)),
];

/**
 * Lines for `ip -batch` that make the kernel tell the neighbours on each device which addresses it has: it does so when a
 * device gets a MAC address, also that which it has (arp_notify, ndisc_notify: Documentation/networking/ip-sysctl).
 */
export const announcement = (news: readonly LeasedAddress[], mac: string): string =>
  [...new Set(news.map(({ device }) => device))].map((device) => `link set dev ${device} address ${mac}\n`).join('');
