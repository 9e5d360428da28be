/**
 * The OSDs that lie on a node's disks, as `ceph-volume` finds them there: whether or not they run, or the cluster still
 * knows them. Its answers for encrypted OSDs hold a secret (ceph.cephx_lockbox_secret): they are never logged or kept.
 * @module
 */
import { z } from '../../../core/plugin/api.ts';
import { fromJson } from './tool-output.ts';

export const lvmListCommand = ['ceph-volume', 'lvm', 'list', '--format', 'json'] as const;
export const rawListCommand = ['ceph-volume', 'raw', 'list', '--format', 'json'] as const;

/** A part of an OSD: a logical volume, a partition or a whole disk. */
export interface OsdPart {
  readonly path: string;
  /** Disks that it lies on; empty when LVM misses them. */
  readonly disks: readonly string[];
}

export interface StoredOsd {
  /** Its number. Two OSDs may have the same when one is left from another cluster, or from before it was replaced. */
  readonly id: string;
  readonly fsid: string;
  readonly clusterFsid: string;
  readonly kind: 'lvm' | 'raw';
  readonly data: OsdPart;
  readonly db: OsdPart | undefined;
  readonly wal: OsdPart | undefined;
  /** The class that it was made with; CRUSH may have been told another one since. */
  readonly deviceClass: string | undefined;
  readonly encrypted: boolean;
}

/** Tags that an OSD's data volume has. LVM keeps them on the disk; `ceph-volume` sets all of them at once. */
const blockTags = z.object({
  'ceph.osd_id': z.string(),
  'ceph.osd_fsid': z.string(),
  'ceph.cluster_fsid': z.string(),
  'ceph.crush_device_class': z.string().optional(),
  'ceph.encrypted': z.string().optional(),
});

/** A database on a partition is listed without `devices`. Other types: wal, and data and journal of FileStore. */
const volume = z.object({
  type: z.string(),
  path: z.string(),
  devices: z.array(z.string()).default([]),
  tags: z.record(z.string(), z.string()),
});
type Volume = z.infer<typeof volume>;

const lvmOutput = z.record(z.string(), z.array(volume));

/** The BlueStore OSDs on logical volumes, by number. @throws PvcError DEVICE_OUTPUT */
export function parseLvmList(stdout: string): readonly StoredOsd[] {
  const lists = Object.values(fromJson(lvmOutput, lvmListCommand, stdout));
  return lists.flatMap((volumes) =>
    volumes.filter(({ type }) => type === 'block').map((block) => storedOsd(block, volumes)),
  );
}

/** @param listed all volumes of OSDs with this number, perhaps of several OSDs */
function storedOsd(block: Volume, listed: readonly Volume[]): StoredOsd {
  const tags = fromJson(blockTags, lvmListCommand, JSON.stringify(block.tags));
  const part = (type: 'db' | 'wal'): OsdPart | undefined => {
    const path = block.tags[`ceph.${type}_device`];
    if (path === undefined || path === '') return undefined;
    return { path, disks: listed.find((one) => one.type === type && one.path === path)?.devices ?? [] };
  };
  return {
    id: tags['ceph.osd_id'],
    fsid: tags['ceph.osd_fsid'],
    clusterFsid: tags['ceph.cluster_fsid'],
    kind: 'lvm',
    data: { path: block.path, disks: block.devices },
    db: part('db'),
    wal: part('wal'),
    deviceClass: tags['ceph.crush_device_class'] || undefined,
    encrypted: tags['ceph.encrypted'] === '1',
  };
}

const rawOutput = z.record(
  z.string(),
  z.object({
    osd_uuid: z.string(),
    // All absent where only the database of an OSD was found: as of an LVM one whose data is elsewhere.
    osd_id: z.int().min(0).optional(),
    ceph_fsid: z.string().optional(),
    device: z.string().optional(),
    device_db: z.string().optional(),
    device_wal: z.string().optional(),
  }),
);

/**
 * The OSDs directly on devices. Opened volumes of encrypted LVM OSDs are among them; `mergeOsds` sorts that out.
 * @throws PvcError DEVICE_OUTPUT
 */
export function parseRawList(stdout: string): readonly StoredOsd[] {
  const part = (path: string): OsdPart => ({ path, disks: [path] });
  const optional = (path: string | undefined) => (path === undefined ? undefined : part(path));
  return Object.values(fromJson(rawOutput, rawListCommand, stdout)).flatMap((one) => {
    const { osd_id: id, ceph_fsid: clusterFsid, device } = one;
    if (id === undefined || clusterFsid === undefined || device === undefined) return [];
    return {
      id: String(id),
      fsid: one.osd_uuid,
      clusterFsid,
      kind: 'raw',
      data: part(device),
      db: optional(one.device_db),
      wal: optional(one.device_wal),
      deviceClass: undefined,
      encrypted: false,
    };
  });
}

/** Each OSD once: `raw list` shows an encrypted LVM OSD a second time while its encryption is open. */
export function mergeOsds(lvm: readonly StoredOsd[], raw: readonly StoredOsd[]): readonly StoredOsd[] {
  const known = new Set(lvm.map(({ fsid }) => fsid));
  return [...lvm, ...raw.filter(({ fsid }) => !known.has(fsid))];
}
