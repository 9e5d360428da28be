/** Whether DHCP settings and reservations fit a network. Pure. @module */
import { addressOf, familyOf, hostsOf, isIn, type Net, netOf, numberOf } from '../addresses.ts';
import { type Network, type Served, servedIn } from '../network.ts';
import type { DhcpSpec, Range } from './dhcp-kind.ts';

type Settings = Pick<DhcpSpec, 'ranges' | 'routes' | 'ipv6' | 'ipv6Range'>;

/** How large a range of IPv6 addresses is unless somebody says otherwise, and where it begins in the network. */
const ipv6Room = 0x1_0000n;

const showRange = ({ from, to }: Range): string => `${from}-${to}`;

function rangeProblems(range: Range, { prefix, gateway }: Served): string[] {
  const net = netOf(prefix);
  const shown = showRange(range);
  const outside = [range.from, range.to].filter((address) => !isIn(net, address));
  if (outside.length > 0) return [`${outside.join(' and ')} of the range ${shown} is outside ${prefix}`];
  const [from, to] = [numberOf(range.from), numberOf(range.to)];
  if (from > to) return [`the range ${shown} ends before it begins`];
  const hosts = hostsOf(net);
  const holds = (value: bigint): boolean => from <= value && value <= to;
  return [
    ...(from < hosts.first ? [`the range ${shown} holds ${range.from}, which is the network’s own address`] : []),
    ...(to > hosts.last ? [`the range ${shown} holds ${range.to}, which is the broadcast address`] : []),
    ...(holds(numberOf(gateway)) ? [`the range ${shown} holds ${gateway}, which is the gateway’s`] : []),
  ];
}

function overlaps(ranges: readonly Range[]): string[] {
  const sorted = ranges.toSorted((a, b) => (numberOf(a.from) < numberOf(b.from) ? -1 : 1));
  return sorted.flatMap((range, index) => {
    const next = sorted[index + 1];
    return next !== undefined && numberOf(range.to) >= numberOf(next.from)
      ? [`the ranges ${showRange(range)} and ${showRange(next)} overlap`]
      : [];
  });
}

/** RFC 4862, section 5.5.3: a host makes an address of its own from 64 bits and no other number of them. */
const hostBits = 64;

/** Whether hosts get addresses of the prefix in any way. */
export const servesHosts = (ipv6: Served | undefined): boolean =>
  ipv6 !== undefined && netOf(ipv6.prefix).bits === hostBits;

function ipv6Problems({ ipv6, ipv6Range }: Settings, served: Served | undefined): string[] {
  if (ipv6 === 'none') return ipv6Range === null ? [] : ['a range of IPv6 addresses is for `stateful` only'];
  if (served === undefined) return [`IPv6 is ${ipv6}, and the network has no IPv6 gateway`];
  const { bits } = netOf(served.prefix);
  if (bits !== hostBits) return [`IPv6 is ${ipv6}, which needs a prefix of 64 bits, and ${served.prefix} has ${bits}`];
  if (ipv6 === 'stateless') return ipv6Range === null ? [] : ['a range of IPv6 addresses is for `stateful` only'];
  return ipv6Range === null ? ['IPv6 is stateful and has no range'] : rangeProblems(ipv6Range, served);
}

/** What keeps the settings from working in the network, each in a few words; none: they do. */
export function settingsProblems(settings: Settings, network: Pick<Network, 'ipv4' | 'ipv6'>): string[] {
  const ipv4 = servedIn(network, 'ipv4');
  const ipv6 = servedIn(network, 'ipv6');
  if (ipv4 === undefined && ipv6 === undefined) return ['the network has no gateway, from which DHCP would be served'];
  const wrongFamily = settings.ranges.filter(({ from, to }) => familyOf(from) !== 'ipv4' || familyOf(to) !== 'ipv4');
  if (wrongFamily.length > 0)
    return wrongFamily.map((range) => `the range ${showRange(range)} is not of IPv4 addresses`);
  if (ipv4 === undefined && settings.ranges.length + settings.routes.length > 0)
    return ['ranges and routes are for IPv4, and the network has no IPv4 gateway'];
  return [
    ...(ipv4 === undefined ? [] : settings.ranges.flatMap((range) => rangeProblems(range, ipv4))),
    ...overlaps(settings.ranges),
    ...settings.routes
      .filter(({ via }) => ipv4 !== undefined && !isIn(netOf(ipv4.prefix), via))
      .map(({ to, via }) => `the route to ${to} goes through ${via}, which is outside ${ipv4?.prefix}`),
    ...ipv6Problems(settings, ipv6),
  ];
}

/** Why an address cannot be reserved in the network; undefined: it can. */
export function reservationProblem(address: string, network: Pick<Network, 'ipv4' | 'ipv6'>): string | undefined {
  const served = servedIn(network, 'ipv4');
  if (served === undefined) return 'addresses are reserved in IPv4, and the network has no IPv4 gateway';
  const net = netOf(served.prefix);
  if (!isIn(net, address)) return `${address} is outside ${served.prefix}`;
  const [value, hosts] = [numberOf(address), hostsOf(net)];
  if (value < hosts.first) return `${address} is the network’s own address`;
  if (value > hosts.last) return `${address} is the broadcast address`;
  return value === numberOf(served.gateway) ? `${address} is the gateway’s` : undefined;
}

/** The larger part of the network on one side of the gateway. */
export function usualRange({ prefix, gateway }: Served): Range[] {
  const net: Net = netOf(prefix);
  const hosts = hostsOf(net);
  const at = numberOf(gateway);
  const [below, above] = [at - hosts.first, hosts.last - at];
  if (below <= 0n && above <= 0n) return [];
  const [from, to] = above >= below ? [at + 1n, hosts.last] : [hosts.first, at - 1n];
  return [{ from: addressOf(from, net.family), to: addressOf(to, net.family) }];
}

/** The second 65536 addresses of the network: the first ones are left to those who choose theirs by hand. */
export function usualIpv6Range({ prefix }: Served): Range {
  const { first, family } = netOf(prefix);
  return { from: addressOf(first + ipv6Room, family), to: addressOf(first + 2n * ipv6Room - 1n, family) };
}
