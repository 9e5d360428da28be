/**
 * What the cards of guests on one node are kept to, as the text of nft(8): how much passes them, and that they send as nobody
 * else. It looks at frames where they leave a card and where they come to one, so it holds within a network as well. Pure.
 * @module
 */
import ipaddr from 'ipaddr.js';
import { familyOf } from '../address/prefix.ts';
import { block, type Tables } from '../firewall/nft-text.ts';
import { routerLinkLocal } from '../gateway/gateway-plan.ts';
import { tapName } from '../links/names.ts';

const tableName = 'pvc_cards';
export const guardTables: Tables = { families: ['bridge'], name: tableName };

export interface CardGuard {
  readonly mac: string;
  /** Kilobytes (1000 bytes) a second, seen from the guest. */
  readonly limitIn?: number | undefined;
  readonly limitOut?: number | undefined;
  /** It sends as itself only; undefined: as it likes. */
  readonly identity?: Identity | undefined;
}

export interface Identity {
  /** Its own IP addresses; with none of a family it may have any but those of gateways. */
  readonly addresses: readonly string[];
  /** The gateways of its network. */
  readonly gateways: readonly string[];
}

/**
 * Bytes that may come at once, beside those of a second, which the kernel adds (nft_limit_init): twice what a card hands over in
 * one piece (GSO), which would never pass a smaller bucket.
 */
const burst = 131_072;

const limitRule = (kBps: number): string => `limit rate over ${kBps * 1_000} bytes/second burst ${burst} bytes drop`;

const idOf = (mac: string): string => mac.replaceAll(':', '');

const routerAddress = routerLinkLocal.slice(0, routerLinkLocal.indexOf('/'));

/** An IPv6 address as the 128 bits of a packet. */
const bitsOf = (address: string): string => `0x${Buffer.from(ipaddr.parse(address).toByteArray()).toString('hex')}`;

const isAnnouncement = 'icmpv6 type nd-neighbor-advert';
/** Whose address a neighbour advertisement tells: behind type, code, checksum and flags (RFC 4861, section 4.4). */
const announced = '@th,64,128';

const listed = (addresses: readonly string[]): string => `{ ${addresses.join(', ')} }`;

function ipv4Rules(own: readonly string[], gateways: readonly string[]): string[] {
  // A card that has no address yet asks whether somebody has the one that it wants (RFC 5227), and asks for one by DHCP.
  if (own.length > 0)
    return [
      `arp saddr ip != ${listed(['0.0.0.0', ...own])} counter drop`,
      'ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept',
      `ip saddr != ${listed(own)} counter drop`,
    ];
  if (gateways.length === 0) return [];
  return [`arp saddr ip ${listed(gateways)} counter drop`, `ip saddr ${listed(gateways)} counter drop`];
}

function ipv6Rules(mac: string, own: readonly string[], gateways: readonly string[]): string[] {
  const foreign = [routerAddress, ...gateways];
  return [
    `ip6 saddr ${listed(foreign)} counter drop`,
    ...foreign.map((address) => `${isAnnouncement} ${announced} ${bitsOf(address)} counter drop`),
    ...(own.length === 0
      ? []
      : [
          `ip6 saddr != ${listed(['::', 'fe80::/10', ...own])} counter drop`,
          `${isAnnouncement} goto announced_${idOf(mac)}`,
        ]),
  ];
}

const byFamily = (addresses: readonly string[], family: 'ipv4' | 'ipv6'): string[] =>
  addresses.filter((address) => familyOf(address) === family).toSorted();

function identityRules(mac: string, { addresses, gateways }: Identity): string[] {
  return [
    `ether saddr != ${mac} counter drop`,
    // Nothing that could hide what is in it: no VLAN tag, no PPPoE.
    'ether type != { arp, ip, ip6 } counter drop',
    `arp saddr ether != ${mac} counter drop`,
    // It is no DHCP server, and no router.
    'udp sport { 67, 547 } counter drop',
    'icmpv6 type { nd-router-advert, nd-redirect } counter drop',
    ...ipv4Rules(byFamily(addresses, 'ipv4'), byFamily(gateways, 'ipv4')),
    ...ipv6Rules(mac, byFamily(addresses, 'ipv6'), byFamily(gateways, 'ipv6')),
  ];
}

const verdicts = (name: string, chain: string, cards: readonly CardGuard[]): string[] =>
  block(`map ${name}`, [
    'type ifname : verdict;',
    ...(cards.length === 0
      ? []
      : [`elements = { ${cards.map(({ mac }) => `"${tapName(mac)}" : goto ${chain}_${idOf(mac)}`).join(', ')} }`]),
  ]);

function chainsOf({ mac, limitIn, limitOut, identity }: CardGuard): string[] {
  const own6 = byFamily(identity?.addresses ?? [], 'ipv6');
  return [
    ...(own6.length === 0
      ? []
      : block(`chain announced_${idOf(mac)}`, [
          ...own6.map((address) => `${announced} ${bitsOf(address)} accept`),
          '@th,64,10 0x3fa accept',
          'counter drop',
        ])),
    ...block(`chain from_${idOf(mac)}`, [
      ...(limitOut === undefined ? [] : [limitRule(limitOut)]),
      ...(identity === undefined ? [] : identityRules(mac, identity)),
    ]),
    ...(limitIn === undefined ? [] : block(`chain to_${idOf(mac)}`, [limitRule(limitIn)])),
  ];
}

/** The whole table. */
export function guardRuleset(cards: readonly CardGuard[]): string {
  const sorted = cards.toSorted((one, other) => (one.mac < other.mac ? -1 : 1));
  const lines = [
    ...sorted.flatMap(chainsOf),
    ...verdicts('from_card', 'from', sorted),
    ...verdicts(
      'to_card',
      'to',
      sorted.filter(({ limitIn }) => limitIn !== undefined),
    ),
    ...block('chain sent', ['type filter hook prerouting priority dstnat; policy accept;', 'iifname vmap @from_card']),
    ...block('chain received', [
      'type filter hook postrouting priority srcnat; policy accept;',
      'oifname vmap @to_card',
    ]),
  ];
  return [`table bridge ${tableName} {`, ...lines, '}', ''].join('\n');
}
