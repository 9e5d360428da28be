/** Networks and entries of which rulesets are made in tests. @module */
import type { AclDirection } from '../acl-kind.ts';
import { counterName, type FirewallEntry, type FirewallNetwork, type RulesetInput } from '../ruleset.ts';

export const office: FirewallNetwork = {
  vni: '100',
  ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
  ipv6: undefined,
  nat: false,
};
export const lab: FirewallNetwork = {
  vni: '200',
  ipv4: { prefix: '10.21.0.0/16', gateway: '10.21.255.254' },
  ipv6: { prefix: 'fd21::/64', gateway: 'fd21::1' },
  nat: false,
};
const six: FirewallNetwork = { vni: '300', ipv6: { prefix: 'fd30::/56', gateway: 'fd30::ffff' }, nat: false };
const everywhere: FirewallNetwork = { ...lab, anycast: true };
const closed: FirewallNetwork = { vni: '16777215', nat: false };

export const entry = (
  { vni }: Pick<FirewallNetwork, 'vni'>,
  direction: AclDirection,
  order: number,
  rule: string,
  birth = '7',
): FirewallEntry => ({ vni, label: `n${vni} ${direction} ${order}`, direction, order, rule, birth });

const ssh = entry(office, 'in', 10, 'tcp dport 22 accept');
const web = entry(office, 'in', 20, 'ip saddr 10.1.0.0/16 tcp dport { 80, 443, 8000-8080 } accept');
const mail = entry(office, 'out', 10, 'tcp dport 25 reject with tcp reset');
const strange = entry(office, 'in', 5, 'meta skuid 7 drop');

const many = Array.from(
  { length: 200 },
  (_, index): FirewallNetwork => ({
    vni: String(10_000 + index),
    ipv4: { prefix: `10.60.${index}.0/24`, gateway: `10.60.${index}.1` },
    ipv6: { prefix: `fd60:${index}::/64`, gateway: `fd60:${index}::1` },
    nat: index % 2 === 0,
  }),
);

/** By the name of their golden files. */
export const rulesetCases: Readonly<Record<string, RulesetInput>> = {
  'no-network': { networks: [], entries: [] },
  'closed-network': { networks: [closed], entries: [] },
  'ipv4-network': { networks: [office], entries: [] },
  'ipv6-network': { networks: [six], entries: [] },
  'both-families': { networks: [lab], entries: [] },
  'two-networks': { networks: [office, lab], entries: [ssh] },
  'two-networks-and-a-closed-one': { networks: [closed, lab, office], entries: [] },
  'nat-ipv4': { networks: [{ ...office, nat: true }, lab], entries: [] },
  'nat-both-families': { networks: [{ ...lab, nat: true }], entries: [] },
  'nat-of-two': { networks: [{ ...office, nat: true }, { ...lab, nat: true }, six], entries: [] },
  'one-entry-in': { networks: [office], entries: [ssh] },
  'one-entry-out': { networks: [office], entries: [mail] },
  'entries-in-numeric-order': {
    networks: [office],
    entries: [9, 10, 2, 100, 65_535, 1].map((order) => entry(office, 'in', order, `tcp dport ${order} accept`)),
  },
  'entries-of-both-directions': { networks: [office], entries: [ssh, web, mail] },
  'entries-of-two-networks': {
    networks: [office, lab],
    entries: [ssh, mail, entry(lab, 'in', 10, 'ip saddr 10.20.0.0/24 accept'), entry(lab, 'out', 1, 'drop')],
  },
  'entry-for-every-packet': { networks: [office], entries: [entry(office, 'in', 10, 'accept')] },
  'entry-with-limit': {
    networks: [office],
    entries: [entry(office, 'in', 10, 'icmp type echo-request limit rate 10/second burst 20 packets accept')],
  },
  'entry-with-connection-count': {
    networks: [office],
    entries: [entry(office, 'in', 10, 'tcp dport 22 ct count over 20 reject')],
  },
  'entries-of-ipv6': {
    networks: [lab],
    entries: [
      entry(lab, 'in', 10, 'ip6 saddr 2001:db8::/32 tcp dport 443 accept'),
      entry(lab, 'in', 20, 'icmpv6 type { echo-request, packet-too-big } accept'),
      entry(lab, 'out', 10, 'ip6 daddr { 2001:db8::1, 2001:db8::2 } drop'),
    ],
  },
  'entries-that-reject': {
    networks: [lab],
    entries: [
      entry(lab, 'out', 10, 'tcp dport 25 reject with tcp reset'),
      entry(lab, 'out', 20, 'udp dport 53 reject with icmpx admin-prohibited'),
      entry(lab, 'out', 30, 'ip daddr 192.0.2.0/24 reject with icmp type host-prohibited'),
      entry(lab, 'out', 40, 'ip6 daddr 2001:db8::/32 reject with icmpv6 type no-route'),
      entry(lab, 'out', 50, 'reject'),
    ],
  },
  'entry-with-flags': {
    networks: [office],
    entries: [entry(office, 'in', 10, 'tcp flags & (fin|syn|rst|ack) == syn tcp dport 1024-65535 accept')],
  },
  'entry-with-concatenation': {
    networks: [office],
    entries: [entry(office, 'in', 10, 'ip saddr . tcp dport { 10.1.2.3 . 22, 10.1.2.4 . 80 } accept')],
  },
  'entry-from-a-link': { networks: [office], entries: [entry(office, 'in', 10, 'iifname br* accept')] },
  'counters-that-go-on': {
    networks: [office],
    entries: [ssh, web, mail],
    counts: new Map([
      [counterName(ssh), { packets: 12, bytes: 1_008 }],
      [counterName(mail), { packets: 9_007_199_254_740, bytes: 9_007_199_254_740_991 }],
    ]),
  },
  'entry-made-anew': {
    networks: [office],
    entries: [{ ...ssh, birth: '8f' }],
    counts: new Map([[counterName(ssh), { packets: 12, bytes: 1_008 }]]),
  },
  'left-out-accepting': {
    networks: [office],
    entries: [entry(office, 'in', 5, 'meta skuid 7 accept'), ssh],
    leftOut: new Set([counterName(strange)]),
  },
  'left-out-dropping': { networks: [office], entries: [strange, ssh], leftOut: new Set([counterName(strange)]) },
  'left-out-of-one-network': {
    networks: [office, lab],
    entries: [strange, entry(lab, 'in', 5, 'tcp dport 22 accept')],
    leftOut: new Set([counterName(strange)]),
  },
  resuming: { networks: [office, closed], entries: [ssh, mail], resuming: true },
  'entry-of-no-network': { networks: [office], entries: [ssh, entry(lab, 'in', 10, 'accept')] },
  'anycast-ipv4': { networks: [{ ...office, anycast: true }], entries: [] },
  'anycast-ipv6': { networks: [{ ...six, anycast: true }], entries: [] },
  'anycast-both-families': { networks: [everywhere], entries: [] },
  'anycast-beside-primary': { networks: [office, everywhere], entries: [ssh] },
  'anycast-nat': { networks: [{ ...everywhere, nat: true }, office], entries: [] },
  'anycast-of-many': { networks: many.slice(0, 5).map((one) => ({ ...one, anycast: true })), entries: [] },
  'many-networks': { networks: many, entries: [] },
  'many-of-all': {
    networks: [office, lab, six, closed, ...many.slice(0, 5)],
    entries: [
      ssh,
      web,
      mail,
      ...many.slice(0, 5).flatMap((one) => [3, 20, 100].map((order) => entry(one, 'in', order, 'tcp dport 22 accept'))),
    ],
  },
  'metadata-of-two': {
    networks: [{ ...office, metadataPort: 20_100 }, { ...lab, metadataPort: 20_200 }, closed],
    entries: [],
  },
  'metadata-of-anycast': {
    networks: [
      { ...everywhere, metadataPort: 20_200 },
      { ...office, metadataPort: 20_100 },
    ],
    entries: [mail],
  },
};
