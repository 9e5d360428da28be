/** This node as one of the gateways of a network that has one on every node: its addresses, and the way to the guests. Pure. @module */
import type { Addressing } from '../address/addressing.ts';
import type { Observed } from './link-plan.ts';
import { readAddresses } from './reading.ts';
import { isBridge, type LinkStep, makeStep, step } from './steps.ts';

/** The gateway's address on the link itself, by which guests know their router (RFC 4861, 4.2). */
const routerLinkLocal = 'fe80::1/64';

export interface AnycastGateway {
  /** With lengths: alone (`10.20.0.1/32`), for only the primary is in the network as the site's routers hear of it. */
  readonly addresses: readonly string[];
  /** Prefixes that are reached over the bridge. */
  readonly routes: readonly string[];
}

/** What every node has in a network with these addresses. */
export function anycastOf({ ipv4, ipv6 }: Addressing): AnycastGateway {
  const [four, six] = [ipv4, ipv6].map((family) => (family?.gateway === undefined ? undefined : family));
  return {
    addresses: [
      ...(four === undefined ? [] : [`${four.gateway}/32`]),
      ...(six === undefined ? [] : [`${six.gateway}/128`, routerLinkLocal]),
    ],
    routes: [four, six].flatMap((family) => (family === undefined ? [] : [family.prefix])),
  };
}

const nothing: AnycastGateway = { addresses: [], routes: [] };
const without = (some: readonly string[], others: readonly string[]): string[] =>
  some.filter((one) => !others.includes(one));

/** A bridge that is made again has nothing. */
const had = ({ bridge, gateway }: Observed): AnycastGateway => (isBridge(bridge) ? gateway : nothing);

/** What the node has on the bridge and is to have no more; what it has as primary is not touched. */
export function leaveAnycast(name: string, wanted: AnycastGateway | undefined, observed: Observed): LinkStep[] {
  const { addresses, routes } = had(observed);
  return [
    ...without(routes, wanted?.routes ?? []).map((prefix) =>
      makeStep(`forget the way to ${prefix} over ${name}`, [
        ...(['ip', 'route', 'del', prefix, 'dev', name, 'proto', 'static'] as const),
      ]),
    ),
    ...without(addresses, wanted?.addresses ?? []).map((address) =>
      makeStep(`take ${address} off ${name}`, ['ip', 'address', 'del', address, 'dev', name]),
    ),
  ];
}

/** What the node is to have on the bridge and has not. */
export function takeAnycast(name: string, wanted: AnycastGateway | undefined, observed: Observed): LinkStep[] {
  const { addresses, routes } = had(observed);
  return [
    ...without(wanted?.addresses ?? [], addresses).map((address) =>
      step(`be the gateway ${address} on ${name}`, [
        ...(['ip', 'address', 'replace', address, 'dev', name] as const),
        // Every other node has it as well.
        ...(address.includes(':') ? ['nodad'] : []),
      ]),
    ),
    ...without(wanted?.routes ?? [], routes).map((prefix) =>
      step(`reach ${prefix} over ${name}`, [
        ...(['ip', 'route', 'replace', prefix, 'dev', name, 'proto', 'static'] as const),
        // Behind the one that the primary has with its address.
        ...['metric', '1024'],
      ]),
    ),
  ];
}

/** By device its addresses, in what `ip -j address show` prints. */
export const readDevices = (stdout: string): Map<string, Set<string>> =>
  new Map(
    readAddresses(stdout).map(({ ifname = '', addr_info }) => [
      ifname,
      new Set(addr_info.flatMap(({ local, prefixlen }) => (local === undefined ? [] : [`${local}/${prefixlen}`]))),
    ]),
  );

/**
 * What a node has on a bridge for good.
 * @param addresses all that are there
 * @param routes prefixes that lead there, as somebody has written down
 * @param leased what it has there as primary
 */
export const anycastIn = (
  addresses: ReadonlySet<string> | undefined,
  routes: readonly string[] | undefined,
  leased: ReadonlySet<string>,
): AnycastGateway => ({
  addresses: [...(addresses ?? [])].filter((one) => !leased.has(one)),
  routes: routes ?? [],
});
