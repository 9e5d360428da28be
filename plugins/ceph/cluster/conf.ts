/** The files below /etc/ceph and Ceph's keyrings as text. Pure. @module */
import type { CephSpec, Monitor } from './ceph-kind.ts';

/** Ports of a monitor, assigned by IANA: version 2 of the messenger, and version 1. */
const ports = { v2: 3300, v1: 6789 } as const;

export const confPath = '/etc/ceph/ceph.conf';
/** By it PVC knows its own file again. */
export const confMark = '# Written by pvc: changes are overwritten. Settings of Ceph itself: `ceph config set`.';

const hostPart = (address: string): string => (address.includes(':') ? `[${address}]` : address);

/** `[v2:10.0.1.11:3300,v1:10.0.1.11:6789]`, as ceph.conf and monmaptool take it. */
export const addressVector = (address: string): string =>
  `[v2:${hostPart(address)}:${ports.v2},v1:${hostPart(address)}:${ports.v1}]`;

/** The address in Ceph's own notation of a socket: `10.0.1.11:3300`, `[fd00::1]:3300`. */
export const addressOfSocket = (socket: string): string =>
  socket.replace(/:\d+(?:\/\d+)?$/, '').replace(/^\[(.*)\]$/, '$1');

export interface ConfInput {
  readonly spec: CephSpec;
  readonly monitors: readonly Monitor[];
  readonly node: string;
  /** Its own address on the storage network. */
  readonly address: string;
  readonly osdMemoryMiB: number;
  /** The administrator's, for [global]. */
  readonly settings: Readonly<Record<string, string | number | boolean>>;
}

/**
 * Seconds for which a monitor's leader speaks for all. A quorum that lost a member elects anew after twice that time
 * (mon_lease_ack_timeout_factor), and answers nobody until then: with Ceph's own 5, a dead node is proven to be shut out
 * of its volumes 10 s later than it could be, and its disks are missed by so much later. A monitor that stands still for
 * longer costs an election, which takes milliseconds when all are there.
 */
const monitorLeaseS = 1;

/**
 * Seconds for which a monitor that calls an election waits for those that do not answer. A dead one never does, so this is
 * how long each election with one missing takes; Ceph's own 5 would be most of what a fence waits for.
 */
const electionS = 1;

/**
 * For how long monitors gather changes before they make a new map. Disks of a dead node are down by one map, and what they had
 * is served again by the next: with Ceph's own second, the guests of the node wait for up to two.
 */
const proposeS = 0.25;

/**
 * For how long an OSD may answer reads after it last heard from its peers, as a part of osd_heartbeat_grace (20 s): 6 s.
 * Placement groups of a lost OSD serve nobody until that time is over (Ceph's "stale reads"). Ceph's own 0.8 fits the 20 s
 * after which peers miss an OSD; PVC tells Ceph of a dead node's after eight, so by then it must be over.
 */
const readLeasePart = 0.3;

/**
 * Seconds after which a client that waits for a disk asks the monitors for a new map, and how often it looks. With Ceph's own 10
 * and 5, what was asked of a disk that has just lost its power waits so long although Ceph knows already that it is gone.
 */
const patience = { timeoutS: 2, lookS: 1 } as const;

/** ceph.conf of one node. */
export function cephConf({ spec, monitors, node, address, osdMemoryMiB, settings }: ConfInput): string {
  const hosts = monitors.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((one) => addressVector(one.address));
  return `${confMark}
[global]
fsid = ${spec.fsid}
mon host = ${hosts.join(',')}
public network = ${spec.network}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
mon lease = ${monitorLeaseS}
mon election timeout = ${electionS}
paxos propose interval = ${proposeS}
osd pool default read lease ratio = ${readLeasePart}
${Object.entries(settings)
  .map(([name, value]) => `${name} = ${value}\n`)
  .join('')}
[mon.${node}]
public addr = ${address}

[osd]
crush location = root=default host=${node}
osd memory target = ${osdMemoryMiB * 1024 * 1024}

[client]
admin socket mode = 0600
objecter timeout = ${patience.timeoutS}
objecter tick interval = ${patience.lookS}
`;
}

/** One entity of a keyring. */
export interface KeyringEntry {
  readonly entity: string;
  readonly key: string;
  /** By service: `{ mon: 'allow *' }`. */
  readonly caps?: Readonly<Record<string, string>>;
}

export const keyring = (entries: readonly KeyringEntry[]): string =>
  entries
    .map(
      ({ entity, key, caps }) =>
        `[${entity}]\n\tkey = ${key}\n${Object.entries(caps ?? {})
          .map(([service, cap]) => `\tcaps ${service} = "${cap}"\n`)
          .join('')}`,
    )
    .join('');

const all = 'allow *';
export const adminCaps = { mds: all, mgr: all, mon: all, osd: all } as const;
export const monCaps = { mon: all } as const;
/** What QEMU needs; the profile lets it break the lock of a dead client and bar that client (Ceph: "profile rbd"). */
export const guestCaps = { mon: 'profile rbd', osd: 'profile rbd', mgr: 'profile rbd' } as const;
