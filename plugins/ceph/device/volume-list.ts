/**
 * The OSDs that lie on a node's disks, as `ceph-volume` finds them there: whether or not they run, or the cluster still
 * knows them. Its answers for encrypted OSDs hold a secret (ceph.cephx_lockbox_secret): they are never logged or kept.
 * @module
 */
import { z } from '../../../core/plugin/api.ts';
import { parsed } from '../command/ceph-command.ts';

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

/** A logical volume of an OSD. LVM keeps the tags on the disk; `ceph-volume` sets all of them at once. */
const logicalVolume = z.object({
  type: z.string(),
  path: z.string(),
  devices: z.array(z.string()),
  tags: z.object({
    'ceph.osd_id': z.string(),
    'ceph.osd_fsid': z.string(),
    'ceph.cluster_fsid': z.string(),
    'ceph.crush_device_class': z.string().optional(),
    'ceph.encrypted': z.string().optional(),
    'ceph.db_device': z.string().optional(),
    'ceph.wal_device': z.string().optional(),
  }),
});
type LogicalVolume = z.infer<typeof logicalVolume>;

/** Of an OSD whose database is on a partition, that is listed, too; it tells nothing that the OSD's volume does not. */
const partition = z.object({ path: z.string(), tags: z.strictObject({ PARTUUID: z.string() }) });

const lvmOutput = z.record(z.string(), z.array(z.union([logicalVolume, partition])));

/** The BlueStore OSDs on logical volumes, by number. @throws PvcError CEPH_STRANGE */
export function parseLvmList(stdout: string): readonly StoredOsd[] {
  const lists = Object.values(parsed(lvmOutput, lvmListCommand.join(' '), stdout));
  return lists.flatMap((listed) => {
    const volumes = listed.filter((one) => 'devices' in one);
    // FileStore, which Ceph gave up, has the types data and journal.
    return volumes.filter(({ type }) => type === 'block').map((block) => storedOsd(block, volumes));
  });
}

/** @param volumes all of the OSDs with this number, for there may be several */
function storedOsd({ path, devices, tags }: LogicalVolume, volumes: readonly LogicalVolume[]): StoredOsd {
  const part = (device: string | undefined): OsdPart | undefined =>
    device ? { path: device, disks: volumes.find((one) => one.path === device)?.devices ?? [] } : undefined;
  return {
    id: tags['ceph.osd_id'],
    fsid: tags['ceph.osd_fsid'],
    clusterFsid: tags['ceph.cluster_fsid'],
    kind: 'lvm',
    data: { path, disks: devices },
    db: part(tags['ceph.db_device']),
    wal: part(tags['ceph.wal_device']),
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
 * @throws PvcError CEPH_STRANGE
 */
export function parseRawList(stdout: string): readonly StoredOsd[] {
  const part = (path: string): OsdPart => ({ path, disks: [path] });
  const optional = (path: string | undefined) => (path === undefined ? undefined : part(path));
  return Object.values(parsed(rawOutput, rawListCommand.join(' '), stdout)).flatMap((one) => {
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
