/** What disks this node has, and what lies on them. @module */

import { z } from '../../../core/plugin/api.ts';
import { type CephCommand, parsed } from '../command/ceph-command.ts';
import { detect, isDetection, parseDetection } from './detect.ts';
import { type BlockDevice, deviceAt, lsblkCommand, parseDevices } from './devices.ts';
import { deviceError } from './errors.ts';
import { parseVolumeGroups, pvsCommand, type VolumeGroup, vgsCommand } from './volume-groups.ts';
import {
  lvmListCommand,
  mergeOsds,
  parseLvmList,
  parseRawList,
  rawListCommand,
  type StoredOsd,
} from './volume-list.ts';

/** LVM and ceph-volume wait for disks that do not answer. */
const lookMs = 60_000;

export interface NodeDevices {
  readonly devices: readonly BlockDevice[];
  readonly osds: readonly StoredOsd[];
  readonly groups: readonly VolumeGroup[];
}

/** @throws PvcError CEPH_REFUSED, CEPH_STRANGE */
export async function lookAtDevices(ceph: CephCommand): Promise<NodeDevices> {
  const ask = (what: string, argv: readonly string[]): Promise<string> =>
    ceph.run(what, argv as [string, ...string[]], { timeoutMs: lookMs });
  const [devices, osds, vgs, pvs] = await Promise.all([
    ask('the list of devices', lsblkCommand),
    storedOsds(ceph),
    ask('the list of volume groups', vgsCommand),
    ask('the list of physical volumes', pvsCommand),
  ]);
  return { devices: parseDevices(devices), osds, groups: parseVolumeGroups(vgs, pvs) };
}

/** The OSDs that lie on this node's disks, whether or not the cluster knows them. @throws PvcError CEPH_REFUSED, CEPH_STRANGE */
export async function storedOsds(ceph: CephCommand): Promise<readonly StoredOsd[]> {
  const list = (argv: readonly string[]): Promise<string> =>
    ceph.run('the list of stored OSDs', argv as [string, ...string[]], { timeoutMs: lookMs });
  // One after the other: each takes ceph-volume a second of a core.
  const lvm = parseLvmList(await list(lvmListCommand));
  return mergeOsds(lvm, parseRawList(await list(rawListCommand)));
}

/**
 * The disk that is meant: `detect:…`, or a path, also of a link such as those in /dev/disk/by-id.
 * @throws PvcError DEVICE_NOT_FOUND, DEVICE_DETECT, DEVICE_NOT_DETECTED
 */
export async function findDevice(
  ceph: CephCommand,
  text: string,
  devices: readonly BlockDevice[],
): Promise<BlockDevice> {
  if (isDetection(text)) return detect(parseDetection(text), devices);
  const target = (await ceph.run(`the device ${text}`, ['readlink', '--canonicalize-missing', '--', text])).trim();
  const found = deviceAt(devices, target);
  if (found === undefined) throw deviceError('DEVICE_NOT_FOUND', { device: text });
  return found;
}

/** `wipefs` without options changes nothing. It looks at the device itself, where lsblk believes udev. */
const signatures = z.object({
  signatures: z.array(z.object({ type: z.string(), label: z.string().nullable().optional() })),
});

/** Kinds of content that a device has at this moment. @throws PvcError CEPH_REFUSED, CEPH_STRANGE */
export async function contentOf(ceph: CephCommand, path: string): Promise<readonly string[]> {
  const argv = ['wipefs', '--json', '--output', 'TYPE', path] as const;
  const text = await ceph.run(`the look at ${path}`, argv);
  // Of a blank device it prints nothing at all.
  if (text.trim() === '') return [];
  return parsed(signatures, argv.join(' '), text).signatures.map(({ type }) => type);
}
