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
  /** Every node is its gateway. */
  readonly anycast?: boolean;
}

const withLength = ({ prefix, gateway }: FamilySpec): string[] =>
  gateway === undefined ? [] : [`${gateway}/${prefix.split('/')[1]}`];

/**
 * By these the node is in the network, which is what the site's routers hear of: so only from the primary. In IPv6 it is
 * the address of any router (RFC 4291, 2.6.1): one that is there already, as every node's, cannot be there twice.
 */
const anycastAddresses = ({ ipv4, ipv6 }: Addressing): string[] => [
  ...(ipv4 === undefined ? [] : withLength(ipv4)),
  ...(ipv6?.gateway === undefined ? [] : [ipv6.prefix]),
];

const addressesOf = ({ addressing, anycast }: Pick<GatewayNetwork, 'addressing' | 'anycast'>): string[] => {
  if (anycast === true) return anycastAddresses(addressing);
  const { ipv4, ipv6 } = addressing;
  const [four, six] = [ipv4, ipv6].map((family) => (family === undefined ? [] : withLength(family)));
  return [...(four ?? []), ...(six ?? []), ...(six?.length ? [routerLinkLocal] : [])];
};

/**
 * The addresses of all gateways.
 * @param bridges devices of this node that PVC made and that are on
 */
export const gatewayAddresses = (networks: readonly GatewayNetwork[], bridges: ReadonlySet<string>): LeasedAddress[] =>
  networks
    .map((network) => ({ device: bridgeName(network.vni), network }))
    .filter(({ device }) => bridges.has(device))
    .flatMap(({ device, network }) => addressesOf(network).map((address) => ({ device, address })));

/** Whether each network with a gateway has its bridge. */
export const isWhole = (networks: readonly GatewayNetwork[], bridges: ReadonlySet<string>): boolean =>
  networks.every((network) => addressesOf(network).length === 0 || bridges.has(bridgeName(network.vni)));

/**
 * Lines for `ip -batch` that make the kernel tell the neighbours on each device which addresses it has: it does so when a
 * device gets a MAC address, also that which it has (arp_notify, ndisc_notify: Documentation/networking/ip-sysctl).
 */
export const announcement = (news: readonly LeasedAddress[], mac: string): string =>
  [...new Set(news.map(({ device }) => device))].map((device) => `link set dev ${device} address ${mac}\n`).join('');
