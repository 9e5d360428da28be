/**
 * Whether a device may become a disk of the storage. This is decided here and not left to `ceph-volume`, which takes
 * some devices without a word: `lvm prepare` makes an OSD of a disk of 1 GiB and of a removable one, and answers success
 * for a disk that is an OSD already.
 * @module
 */
import { formatBytes } from '../../../core/plugin/api.ts';
import type { BlockDevice } from './devices.ts';
import type { OsdPart, StoredOsd } from './volume-list.ts';

/** Below this, `ceph-volume inventory` and `lvm batch` call a device too small; `lvm prepare` does not care. */
export const smallestBytes = 5 * 1024 ** 3;

/** Every reason why not, each a part of a sentence; none: it may. @param osds what `ceph-volume` found on the node */
export function whyUnusable(device: BlockDevice, osds: readonly StoredOsd[]): readonly string[] {
  const { type, size, readOnly, removable, partitionTable, content } = device;
  return [
    ...given(type !== 'disk', `it is no whole disk (${type})`),
    ...given(readOnly, 'it is read-only'),
    ...given(removable, 'it is removable'),
    ...given(size < smallestBytes, `it has ${formatBytes(size)}, and an OSD needs ${formatBytes(smallestBytes)}`),
    ...osds.flatMap((osd) => partsOn(device.path, osd)),
    ...mountpoints(device).map((point) => (point === '[SWAP]' ? 'the node swaps to it' : `it is mounted on ${point}`)),
    ...given(partitionTable !== undefined, `it has a partition table (${partitionTable})`),
    ...given(content !== undefined, `it is not blank (${content})`),
    ...device.children.filter((child) => child.type !== 'part').map((child) => `it is in use by ${child.name}`),
  ];
}

const given = (holds: boolean, reason: string): readonly string[] => (holds ? [reason] : []);

function partsOn(path: string, osd: StoredOsd): readonly string[] {
  const lies = (part: OsdPart | undefined): boolean => part?.disks.includes(path) === true;
  return [
    ...given(lies(osd.data), `the data of osd.${osd.id} lie on it`),
    ...given(lies(osd.db) || lies(osd.wal), `the database of osd.${osd.id} lies on it`),
  ];
}

/** Of the device and all that is made of it. */
const mountpoints = (device: BlockDevice): readonly string[] => [
  ...device.mountpoints,
  ...device.children.flatMap(mountpoints),
];
