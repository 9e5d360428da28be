/**
 * The ruleset of the networks on one node, as the text of nft(8): what the guests of a network may reach of the node, of other
 * networks and of the world outside (docs/decisions/014-firewall.md). It speaks of PVC's own table alone. Pure.
 * @module
 */
import { bridgeName } from '../links/names.ts';
import type { AclDirection } from './acl-kind.ts';
import { anycastTable, redirectLines } from './anycast-table.ts';
import { doorEntry, doorGuard, metadataChains, notOnwards } from './metadata-lines.ts';
import { block, networksTables, set, type Tables, tableName } from './nft-text.ts';
import { ruleParts } from './rule.ts';

/** One family of addresses of a network that is routed. */
export interface Routed {
  readonly prefix: string;
  readonly gateway: string;
}

export interface FirewallNetwork {
  readonly vni: string;
  /** Undefined: nothing of this family leaves the network. */
  readonly ipv4?: Routed | undefined;
  readonly ipv6?: Routed | undefined;
  /** What leaves towards the outside gets the address of the node. */
  readonly nat: boolean;
  /** Every node is its gateway. */
  readonly anycast?: boolean;
  /** Where its guests find the metadata service on this node; undefined: nowhere. */
  readonly metadataPort?: number | undefined;
}

export interface FirewallEntry {
  readonly vni: string;
  /** For people. */
  readonly label: string;
  readonly direction: AclDirection;
  readonly order: number;
  readonly rule: string;
  /** Differs when an entry was removed and another made in its place (`Doc.birth`). */
  readonly birth: string;
}

/** What passed an entry. */
export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

export interface RulesetInput {
  readonly networks: readonly FirewallNetwork[];
  readonly entries: readonly FirewallEntry[];
  /** Names of the counters of entries that the kernel would not take. */
  readonly leftOut?: ReadonlySet<string>;
  /** The node has become the gateway a moment ago: connections that the one before knew are under way. */
  readonly resuming?: boolean;
  /** Where the counters begin, by name; the others at zero. */
  readonly counts?: ReadonlyMap<string, Count>;
}

/** The counter of an entry: it lives as long as the entry does. */
export const counterName = ({ vni, direction, order, birth }: Omit<FirewallEntry, 'rule' | 'label'>): string =>
  `acl_${vni}_${direction}_${order}_${birth}`;

/** All bridges of networks, also one that was made a moment ago. */
const anyBridge = bridgeName('*');

/** Before the rules of an administrator, who may still forbid what is let through here. */
const hook = (name: string, before = 1): string =>
  `type filter hook ${name} priority filter - ${before}; policy accept;`;

const byNumber = (a: { readonly vni: string }, b: { readonly vni: string }): number => Number(a.vni) - Number(b.vni);

const quoted = (vni: string): string => `"${bridgeName(vni)}"`;

/**
 * What every packet is asked first: answers pass by themselves. The others are asked again and again, so that an entry that is
 * added ends what is under way.
 */
const answers = ['ct state vmap { invalid : drop, related : accept }', 'ct direction reply accept'];

/** To the node, from a guest that speaks to its gateway, or asks who is on its link. */
const services = [
  'icmp type echo-request accept',
  'icmpv6 type { echo-request, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report, mld-listener-done } accept',
  // DNS, DHCP, boot files (TFTP), NTP, DHCPv6; DNS, installation (HTTP).
  'udp dport { 53, 67, 69, 123, 547 } accept',
  'tcp dport { 53, 80 } accept',
  'drop',
];

function entryLines(entry: FirewallEntry, leftOut: ReadonlySet<string>): string[] {
  const name = counterName(entry);
  const { matches, verdict } = ruleParts(entry.rule);
  // What it would have kept out cannot be told: so nothing passes from here on.
  if (leftOut.has(name)) return verdict === 'accept' ? [] : [`counter name ${name} drop`];
  return [`${matches === '' ? '' : `${matches} `}counter name ${name} ${verdict}`];
}

/** Only what is of the network's own may leave it by its gateway. */
const ownSource = (family: 'ip' | 'ip6', routed: Routed | undefined): string =>
  routed === undefined
    ? `meta nfproto ${family === 'ip' ? 'ipv4' : 'ipv6'} drop`
    : `${family} saddr != ${routed.prefix} drop`;

/** From outside, and of a connection that somebody has opened before: alone it can open none. */
const underWay = `iifname != "${anyBridge}" ct state new tcp flags & (syn | ack) == ack accept`;

function chainsOf(network: FirewallNetwork, input: RulesetInput): string[] {
  const { vni } = network;
  const leftOut = input.leftOut ?? new Set();
  const entries = (direction: AclDirection): string[] =>
    input.entries
      .filter((entry) => entry.vni === vni && entry.direction === direction)
      .toSorted((a, b) => a.order - b.order)
      .flatMap((entry) => entryLines(entry, leftOut));
  return [
    ...block(`chain out_${vni}`, [ownSource('ip', network.ipv4), ownSource('ip6', network.ipv6), ...entries('out')]),
    ...block(`chain in_${vni}`, [
      ...entries('in'),
      'ct state established accept',
      ...(input.resuming === true ? [underWay] : []),
      'drop',
    ]),
  ];
}

/** The whole table. Without networks it lets nothing through that comes from one or goes to one. */
export function ruleset(input: RulesetInput): string {
  const networks = input.networks.toSorted(byNumber);
  const known = new Set(networks.map(({ vni }) => vni));
  const entries = input.entries
    .filter(({ vni }) => known.has(vni))
    .toSorted((a, b) => byNumber(a, b) || a.direction.localeCompare(b.direction) || a.order - b.order);
  const routed4 = networks.filter(({ ipv4 }) => ipv4 !== undefined);
  const routed6 = networks.filter(({ ipv6 }) => ipv6 !== undefined);
  const hidden = networks.filter(({ nat }) => nat);
  const counterBlock = (entry: FirewallEntry): string[] => {
    const { packets, bytes } = input.counts?.get(counterName(entry)) ?? { packets: 0, bytes: 0 };
    return block(`counter ${counterName(entry)}`, [`packets ${packets} bytes ${bytes}`]);
  };
  const lines = [
    ...entries.flatMap(counterBlock),
    ...set(
      'set bridged',
      'ifname . ifname',
      networks.map(({ vni }) => `${quoted(vni)} . ${quoted(vni)}`),
    ),
    ...set(
      'set routed4',
      'ifname',
      routed4.map(({ vni }) => quoted(vni)),
    ),
    ...set(
      'set routed6',
      'ifname',
      routed6.map(({ vni }) => quoted(vni)),
    ),
    ...set(
      'set gateways4',
      'ifname . ipv4_addr',
      routed4.map(({ vni, ipv4 }) => `${quoted(vni)} . ${ipv4?.gateway}`),
    ),
    ...set(
      'set gateways6',
      'ifname . ipv6_addr',
      routed6.map(({ vni, ipv6 }) => `${quoted(vni)} . ${ipv6?.gateway}`),
    ),
    ...networks.flatMap((network) => chainsOf(network, input)),
    ...set(
      'map out_of',
      'ifname : verdict',
      networks.map(({ vni }) => `${quoted(vni)} : goto out_${vni}`),
    ),
    ...set(
      'map in_of',
      'ifname : verdict',
      networks.map(({ vni }) => `${quoted(vni)} : goto in_${vni}`),
    ),
    ...block('chain services', services),
    ...block('chain node', [
      hook('input'),
      ...doorGuard(networks),
      `iifname != "${anyBridge}" accept`,
      ...answers,
      ...doorEntry(networks),
      'iifname . ip daddr @gateways4 goto services',
      'iifname . ip6 daddr @gateways6 goto services',
      'iifname @routed4 ip daddr 255.255.255.255 udp dport 67 accept',
      'iifname @routed6 ip6 daddr { fe80::/10, ff02::/16 } goto services',
      'drop',
    ]),
    // Two chains, one after the other: what the first accepts, the second is still asked about.
    ...block('chain leaving', [
      hook('forward', 2),
      `iifname != "${anyBridge}" accept`,
      'iifname . oifname @bridged accept',
      ...notOnwards(networks),
      ...answers,
      'iifname vmap @out_of',
      'drop',
    ]),
    ...block('chain entering', [
      hook('forward'),
      `oifname != "${anyBridge}" accept`,
      'iifname . oifname @bridged accept',
      ...answers,
      'oifname vmap @in_of',
      'drop',
    ]),
    ...metadataChains(networks),
    ...redirectLines(networks),
    ...(hidden.length === 0
      ? []
      : block('chain to_outside', [
          'type nat hook postrouting priority srcnat; policy accept;',
          `iifname { ${hidden.map(({ vni }) => quoted(vni)).join(', ')} } oifname != "${anyBridge}" masquerade`,
        ])),
  ];
  return [`table inet ${tableName} {`, ...lines, '}', ...anycastTable(networks), ''].join('\n');
}

/** As one transaction: whatever the tables were before, they are this. */
export const replacing = (text: string, { families, name }: Tables = networksTables): string =>
  [...families.flatMap((family) => [`table ${family} ${name} {`, '}', `delete table ${family} ${name}`]), text].join(
    '\n',
  );

const checkTable = 'inet pvc_check';

/** One rule on the hook that it is for, alone. In one line: of a longer text nft would show the wrong one with its reason. */
export const checkRuleset = (rule: string): string =>
  [
    `add table ${checkTable}`,
    `add chain ${checkTable} forward { type filter hook forward priority filter; policy accept; }`,
    `add rule ${checkTable} forward ${rule}`,
  ].join('; ');
