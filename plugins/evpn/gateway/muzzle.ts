/**
 * What keeps gateways silent, as text of nft(8): the primary has their addresses for good, and nobody hears of them but while a set
 * in these tables has an element, which the daemon gives it for some seconds each second
 * (docs/decisions/027-muzzled-gateways.md). The site's routers hear nothing either: they would go on sending to this node. Pure.
 * @module
 */
import type { LeasedAddress } from '../../../core/plugin/api.ts';
import { familyOf } from '../address/prefix.ts';
import { block, set } from '../firewall/nft-text.ts';
import { routerLinkLocal } from './gateway-plan.ts';

const name = 'pvc_gateways';
export const muzzleTables: readonly string[] = [`inet ${name}`, `arp ${name}`];

export interface MuzzleInput {
  /** Those that no other node may have. */
  readonly addresses: readonly LeasedAddress[];
  /** Addresses of the site's routers, which this node speaks BGP with. */
  readonly routers: readonly string[];
}

/** Ends of a session with a router: BGP (RFC 4271), and BFD over one hop and over several (RFC 5881, RFC 5883). */
const [bgp, bfd] = ['179', '{ 3784, 4784 }'];

/** A set of protocols whose packets pass: those of the table's family, as long as they are in it. */
const alive = (type: string): string[] => block('set alive', [`type ${type};`, 'flags timeout;']);

const table = (family: string, lines: readonly string[]): string[] => [`table ${family} ${name} {`, ...lines, '}'];

/** The tables as a whole; nothing passes them yet. */
export function muzzleRules({ addresses, routers }: MuzzleInput): string {
  const bridges = [...new Set(addresses.map(({ device }) => device))].toSorted();
  const quoted = bridges.map((bridge) => `"${bridge}"`);
  const hosts = addresses
    // It is on many links, and is known by them.
    .filter(({ address }) => address !== routerLinkLocal)
    .map(({ address }) => address.slice(0, address.indexOf('/')))
    .toSorted();
  const [hosts4, hosts6] = (['ipv4', 'ipv6'] as const).map((family) =>
    hosts.filter((address) => familyOf(address) === family),
  );
  const [routers4, routers6] = (['ipv4', 'ipv6'] as const).map((family) =>
    routers.filter((address) => familyOf(address) === family).toSorted(),
  );
  const lines = [
    ...table('inet', [
      ...alive('nf_proto'),
      ...set('set bridges', 'ifname', quoted),
      ...set(
        'set within',
        'ifname . ifname',
        quoted.map((bridge) => `${bridge} . ${bridge}`),
      ),
      ...set('set gateways4', 'ipv4_addr', hosts4 ?? []),
      ...set('set gateways6', 'ipv6_addr', hosts6 ?? []),
      ...set('set routers4', 'ipv4_addr', routers4 ?? []),
      ...set('set routers6', 'ipv6_addr', routers6 ?? []),
      ...block('chain to_router', [`tcp sport ${bgp} drop`, `tcp dport ${bgp} drop`, `udp dport ${bfd} drop`]),
      ...block('chain received', [
        'type filter hook input priority filter - 5; policy accept;',
        'meta nfproto @alive accept',
        'iifname "lo" accept',
        'iifname @bridges drop',
        'ip daddr @gateways4 drop',
        'ip6 daddr @gateways6 drop',
      ]),
      ...block('chain passed', [
        'type filter hook forward priority filter - 5; policy accept;',
        'meta nfproto @alive accept',
        // Frames within a network, where the kernel has bridges ask here (br_netfilter).
        'iifname . oifname @within accept',
        'iifname @bridges drop',
        'oifname @bridges drop',
      ]),
      ...block('chain sent', [
        'type filter hook output priority filter - 5; policy accept;',
        'meta nfproto @alive accept',
        'oifname "lo" accept',
        'oifname @bridges drop',
        'ip saddr @gateways4 drop',
        'ip6 saddr @gateways6 drop',
        'ip daddr @routers4 jump to_router',
        'ip6 daddr @routers6 jump to_router',
      ]),
    ]),
    ...table('arp', [
      ...alive('ether_type'),
      ...set('set bridges', 'ifname', quoted),
      ...block('chain received', [
        'type filter hook input priority filter; policy accept;',
        'meta protocol @alive accept',
        'iifname @bridges drop',
      ]),
      ...block('chain sent', [
        'type filter hook output priority filter; policy accept;',
        'meta protocol @alive accept',
        'oifname @bridges drop',
      ]),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** Everything passes for so many milliseconds from now on. A set is emptied first: what is in it keeps its time. */
export const muzzleLife = (ms: number): string => {
  const timeout = `timeout ${Math.floor(ms)}ms`;
  return [
    ...muzzleTables.map((one) => `flush set ${one} alive`),
    `add element inet ${name} alive { ipv4 ${timeout}, ipv6 ${timeout} }`,
    `add element arp ${name} alive { arp ${timeout} }`,
    '',
  ].join('\n');
};
