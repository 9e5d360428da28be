/**
 * The files of FRR as text: BGP between the nodes, which tells each where every guest of a network is (EVPN, RFC 8365).
 * Coordinators reflect (RFC 4456): whoever joins later peers with them alone, and nobody else's configuration changes.
 * Right for FRR 8.4 to 10. Pure.
 * @module
 */
import ipaddr from 'ipaddr.js';
import { z } from '../../../core/plugin/api.ts';
import { familyLines, filterLines, routerLines, type Upstream } from '../upstream/upstream-conf.ts';

export const confPath = '/etc/frr/frr.conf';
export const daemonsPath = '/etc/frr/daemons';

/** By it PVC knows its own file again. */
export const confMark = '! Written by pvc: changes are overwritten.';

export interface FabricNode {
  readonly name: string;
  readonly role: 'coordinator' | 'hypervisor';
  /** On the cluster network. */
  readonly address: string;
}

export interface FabricInput {
  readonly asn: number;
  /** Whether nodes watch each other by BFD (RFC 5882), which notices in a second what BGP does after its hold time. */
  readonly bfd: boolean;
  /** The cluster network. */
  readonly cidr: string;
  /** The node whose file it is. */
  readonly self: FabricNode;
  /** All nodes of the cluster, in any order; itself among them or not. */
  readonly nodes: readonly FabricNode[];
  readonly upstream: Upstream;
}

/** FRR's own limit is 100 neighbours that nobody has named. */
const mostNodes = 1_000;

/** 32 bits by which BGP knows a node (RFC 6286): its address, or the end of it, in which nodes of one network differ. */
export const routerId = (address: string): string => ipaddr.parse(address).toByteArray().slice(-4).join('.');

/** The neighbours that a node names itself, as addresses: the other coordinators. */
export const neighboursOf = ({ self, nodes }: Pick<FabricInput, 'self' | 'nodes'>): string[] =>
  nodes
    .filter(({ name, role }) => role === 'coordinator' && name !== self.name)
    .map(({ address }) => address)
    .toSorted();

function group(name: string, { asn, bfd, self }: FabricInput): string[] {
  return [
    ` neighbor ${name} peer-group`,
    ` neighbor ${name} remote-as ${asn}`,
    ` neighbor ${name} update-source ${self.address}`,
    ...(bfd ? [` neighbor ${name} bfd`] : []),
  ];
}

/** frr.conf of one node. */
export function frrConf(input: FabricInput): string {
  const { asn, cidr, self, upstream } = input;
  const neighbours = neighboursOf(input);
  const reflects = self.role === 'coordinator';
  const peers = neighbours.length > 0;
  const lines = [
    confMark,
    'frr defaults datacenter',
    `hostname ${self.name}`,
    'log syslog informational',
    'service integrated-vtysh-config',
    '!',
    `router bgp ${asn}`,
    ` bgp router-id ${routerId(self.address)}`,
    ' no bgp default ipv4-unicast',
    ...(reflects ? [` bgp listen limit ${mostNodes}`] : []),
    ...(peers ? group('coordinators', input) : []),
    ...(reflects ? [...group('nodes', input), ` bgp listen range ${cidr} peer-group nodes`] : []),
    ...neighbours.map((address) => ` neighbor ${address} peer-group coordinators`),
    ...routerLines(upstream),
    ' !',
    ' address-family l2vpn evpn',
    ...(peers ? ['  neighbor coordinators activate'] : []),
    ...(reflects ? ['  neighbor nodes activate', '  neighbor nodes route-reflector-client'] : []),
    '  advertise-all-vni',
    ' exit-address-family',
    ...familyLines(upstream),
    'exit',
    '!',
    ...filterLines(upstream),
    'end',
  ];
  return `${lines.join('\n')}\n`;
}

/** Whether a file holds what somebody has configured by hand: more than the few lines of Debian's own. */
export const isForeign = (text: string): boolean =>
  !text.startsWith(confMark) &&
  text
    .split('\n')
    .some((line) => !/^\s*(?:$|[#!]|log |service integrated-vtysh-config|frr |hostname |end$)/.test(line));

/** The daemons of FRR that a configuration needs, in the order in which they start. */
export const daemonsFor = ({ bfd, upstream }: Pick<FabricInput, 'bfd' | 'upstream'>): string[] => [
  'zebra',
  'bgpd',
  ...(bfd || upstream.routers.some((router) => router.bfd) ? ['bfdd'] : []),
];

/** The file `daemons` with these switched on; the rest stays as the administrator has it. */
export function withDaemons(text: string, daemons: readonly string[]): string {
  // Debian's file has no line for zebra: it always runs.
  return daemons
    .filter((name) => name !== 'zebra')
    .reduce((before, name) => {
      const line = new RegExp(`^${name}=.*$`, 'm');
      if (line.test(before)) return before.replace(line, `${name}=yes`);
      return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${name}=yes\n`;
    }, text);
}

const summary = z.looseObject({
  peers: z.record(z.string(), z.looseObject({ state: z.string(), dynamicPeer: z.boolean().optional() })).default({}),
});

export interface Session {
  readonly address: string;
  readonly established: boolean;
  /** It came by itself; nobody has named it. */
  readonly dynamic: boolean;
}

/** What `show bgp l2vpn evpn summary json` tells. @throws Error for what is no such answer */
export function readSessions(stdout: string): Session[] {
  return Object.entries(summary.parse(JSON.parse(stdout)).peers).map(([address, { state, dynamicPeer }]) => ({
    address,
    established: state === 'Established',
    dynamic: dynamicPeer === true,
  }));
}
