/**
 * The way of guests to the metadata service, which has the address that EC2 gave it: what comes to it from the bridge of a
 * network goes to that network's own door on this node, and nothing else does. Pure.
 * @module
 */
import { bridgeName } from '../links/names.ts';
import { block, set } from './nft-text.ts';
import type { FirewallNetwork } from './ruleset.ts';

const port = 80;
/** As the match that begins a rule, before and after the address was changed to this node's. */
const families = [
  { to: 'ip daddr 169.254.169.254', before: 'ct original ip daddr 169.254.169.254', hops: 'ip ttl set 1' },
  { to: 'ip6 daddr fd00:ec2::254', before: 'ct original ip6 daddr fd00:ec2::254', hops: 'ip6 hoplimit set 1' },
];
const anyBridge = bridgeName('*');
/**
 * True where the bridge has an address of the sender's network, which is where its gateway is. Elsewhere what only passes over the
 * bridge comes by here too when the kernel shows it to these tables (br_netfilter), and is not to be taken.
 */
const gatewayIsHere = 'fib saddr . iif oif exists';

/** By the network's bridge the port of its door. */
const doorsOf = (networks: readonly FirewallNetwork[]): readonly (readonly [string, number])[] =>
  networks.flatMap(({ vni, metadataPort }) =>
    metadataPort === undefined ? [] : [[bridgeName(vni), metadataPort] as const],
  );

type Lines = (networks: readonly FirewallNetwork[]) => string[];

/** Those of a base chain that are there when there is a door. */
const withDoors =
  (lines: (ports: string) => string[]): Lines =>
  (networks) => {
    const doors = doorsOf(networks);
    return doors.length === 0 ? [] : lines(`{ ${doors.map(([, one]) => one).join(', ')} }`);
  };

/** Where packets come to this node, whoever sends them: a door is for its network alone. */
export const doorGuard: Lines = withDoors((ports) => [`tcp dport ${ports} ct original proto-dst != ${port} drop`]);

/** Where packets come to this node from a bridge. */
export const doorEntry: Lines = withDoors(() =>
  families.map(({ before }) => `meta l4proto tcp ${before} ct original proto-dst ${port} accept`),
);

/** Where packets leave a network: that address is a link's (RFC 3927, section 7), and a secret of the guest is behind it. */
export const notOnwards: Lines = withDoors(() => families.map(({ to }) => `${to} drop`));

/** In the prerouting of a bridge whose gateway is on every node: it is asked here, and not on the primary. */
export const askedHere = (networks: readonly FirewallNetwork[]): string[] =>
  withDoors(() => families.map(({ to }) => `${to} tcp dport ${port} return`))(
    networks.filter(({ anycast }) => anycast === true),
  );

/** The chains that lead there and back. */
export function metadataChains(networks: readonly FirewallNetwork[]): string[] {
  const doors = doorsOf(networks);
  if (doors.length === 0) return [];
  return [
    ...set(
      'map metadata',
      'ifname : inet_service',
      doors.map(([bridge, one]) => `"${bridge}" : ${one}`),
    ),
    ...block('chain to_metadata', [
      'type nat hook prerouting priority dstnat; policy accept;',
      ...families.map(({ to }) => `${to} tcp dport ${port} ${gatewayIsHere} redirect to :iifname map @metadata`),
    ]),
    // What a guest is told goes to the guest, and not on to what runs behind it.
    ...block('chain from_metadata', [
      'type filter hook output priority filter; policy accept;',
      ...families.map(
        ({ before, hops }) =>
          `oifname "${anyBridge}" meta l4proto tcp ct direction reply ${before} ct original proto-dst ${port} ${hops}`,
      ),
    ]),
  ];
}
