/**
 * Where every node is the gateway of a network, frames of its guests are told apart before the bridge decides about them: what
 * goes to guests of such networks is passed on here, what only the primary has (the outside, networks whose gateway it
 * is, DHCP, names) goes to the primary as it is. Pure.
 * @module
 */
import { anycastMac, primaryMac } from '../links/router.ts';
import { askedHere } from './metadata-lines.ts';
import { block, set, tableName } from './nft-text.ts';
import type { FirewallNetwork, Routed } from './ruleset.ts';

/** Ends of guests' cards, and of the way to other nodes (links/names.ts). */
const [guests, nodes] = ['iifname "pvt*"', 'iifname "pvcx*"'];
/** The gateway's address on the link (links/anycast-plan.ts). */
const linkLocal = 'fe80::1';

const routedIn = (networks: readonly FirewallNetwork[], family: 'ipv4' | 'ipv6'): Routed[] =>
  networks.flatMap(({ anycast, [family]: routed }) => (anycast !== true || routed === undefined ? [] : [routed]));

const prefixSet = (name: string, type: string, prefixes: readonly string[]): string[] =>
  block(`set ${name}`, [
    `type ${type};`,
    'flags interval;',
    ...(prefixes.length === 0 ? [] : [`elements = { ${prefixes.join(', ')} }`]),
  ]);

/** The table of family `bridge`; none without such networks. */
export function anycastTable(networks: readonly FirewallNetwork[]): string[] {
  const [four, six] = [routedIn(networks, 'ipv4'), routedIn(networks, 'ipv6')];
  if (four.length + six.length === 0) return [];
  return [
    `table bridge ${tableName} {`,
    ...prefixSet(
      'prefixes4',
      'ipv4_addr',
      four.map(({ prefix }) => prefix),
    ),
    ...prefixSet(
      'prefixes6',
      'ipv6_addr',
      six.map(({ prefix }) => prefix),
    ),
    ...set(
      'set gateways4',
      'ipv4_addr',
      four.map((one) => one.gateway),
    ),
    ...set('set gateways6', 'ipv6_addr', [...six.map((one) => one.gateway), linkLocal]),
    ...block('chain from_guest', [
      // Who speaks for the gateway would make other nodes believe in connections that nobody has let in.
      `ether saddr { ${anycastMac}, ${primaryMac} } drop`,
      `ether daddr != ${anycastMac} return`,
      ...askedHere(networks),
      'ip daddr @gateways4 ip protocol icmp return',
      'ip6 daddr @gateways6 meta l4proto icmpv6 return',
      'ip daddr @prefixes4 ip daddr != @gateways4 return',
      'ip6 daddr @prefixes6 ip6 daddr != @gateways6 return',
      `ether type { ip, ip6 } ether daddr set ${primaryMac}`,
    ]),
    // Both ways of a connection must be seen where either guest is: so what another gateway has passed on is passed on once
    // more, by the gateway at its end, instead of going to the guest at once.
    ...block('chain from_node', [
      `ether saddr != ${anycastMac} return`,
      `ip saddr @prefixes4 ip saddr != @gateways4 ip daddr @prefixes4 ether daddr set ${anycastMac} meta pkttype set host`,
      `ip6 saddr @prefixes6 ip6 saddr != @gateways6 ip6 daddr @prefixes6 ether daddr set ${anycastMac} meta pkttype set host`,
    ]),
    ...block('chain before', [
      'type filter hook prerouting priority dstnat; policy accept;',
      `${guests} jump from_guest`,
      `${nodes} jump from_node`,
      // The kernel takes for its own only what goes to the bridge's first address; elsewhere it is sent on all the same.
      `ether daddr ${primaryMac} meta pkttype set host`,
    ]),
    '}',
  ];
}

/** What comes from a network and goes back into it, a guest can send no shorter way: nobody is told of one. */
export const redirectLines = (networks: readonly FirewallNetwork[]): string[] =>
  networks.some(({ anycast }) => anycast === true)
    ? block('chain redirects', [
        'type filter hook output priority filter; policy accept;',
        'oifname "pvcn*" icmp type redirect drop',
        'oifname "pvcn*" icmpv6 type nd-redirect drop',
      ])
    : [];
