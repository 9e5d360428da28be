/** A disk of the storage: one OSD. What it is made of stands here; how it is, Ceph knows. @module */
import { condition, defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';

/** What is printed on a disk, and stays: its path may be another disk's after the next boot. */
const printed = { serial: z.string().max(200).optional(), wwn: z.string().max(100).optional() };

/** A logical volume: `GROUP/NAME`. */
export const volumeName = z
  .string()
  .regex(
    /^[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}\/[A-Za-z0-9+_.][A-Za-z0-9+_.-]{0,126}$/,
    'a logical volume is GROUP/NAME',
  );

/** What an OSD keeps its data on. */
export const backing = z.discriminatedUnion('type', [
  /** A sparse file: for trying things out, and for labs. */
  z.strictObject({ type: z.literal('file'), path: names.absolutePath }),
  /** A whole device, with BlueStore directly on it. */
  z.strictObject({ type: z.literal('raw'), path: names.absolutePath, ...printed }),
  /** A logical volume on a device, made and found by ceph-volume; `path` is what the device was called then. */
  z.strictObject({
    type: z.literal('lvm'),
    path: names.absolutePath,
    ...printed,
    /** The logical volume of its database, if that is on another device. */
    db: volumeName.optional(),
  }),
]);
export type Backing = z.infer<typeof backing>;

/** A device class of CRUSH: hdd, ssd, nvme, or one of the administrator's own. */
export const deviceClass = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a device class is 1 to 32 of a-z, 0-9, "_" and "-", starting with a letter');

/** How an OSD is named: by Ceph, and by people. */
export const osdNumber = z
  .string()
  .regex(/^(?:0|[1-9]\d{0,5})$/, 'an OSD is named by its number')
  .describe('number of the OSD');

export const osdSpec = z.strictObject({
  node: names.nodeName,
  /** Ceph's name of it: not its number, which the next disk may get. */
  uuid: names.uuid,
  backing,
  /** Keep its daemon running. */
  serve: z.boolean(),
});
export type OsdSpec = z.infer<typeof osdSpec>;

export const osdStatus = z.strictObject({
  daemon: z.enum(['starting', 'running', 'down', 'stopped']),
  conditions: z.array(condition),
});
export type OsdStatus = z.infer<typeof osdStatus>;

export const osd = defineKind<OsdSpec, OsdStatus>({
  name: 'osd',
  plural: 'osds',
  version: 2,
  migrateSpec: { 1: (old) => old },
  revertSpec: {
    1: (young) => {
      if ((young as OsdSpec).backing.type === 'lvm') throw new Error('it lies on a logical volume');
      return young;
    },
  },
  id: osdNumber,
  spec: osdSpec,
  status: osdStatus,
  // Several may lie on one device in logical volumes, which are told apart by their names.
  unique: (spec) => ({
    uuid: [spec.uuid],
    device: spec.backing.type === 'lvm' ? [] : [`${spec.node}:${spec.backing.path}`],
  }),
  concerns: (spec) => [spec.node],
  command: 'storage osd',
  label: (spec) => `${spec.backing.path} of ${spec.node}`,
});

export const osdError = defineErrors({
  OSD_DEVICE: {
    message: '{device} of {node} cannot become a disk of the storage: {reason}.',
    hint: 'Nothing was changed. Take another device, or make this one free first.',
    http: 409,
    exit: 'refused',
  },
  OSD_NOT_UP: {
    message: 'The disk osd.{osd} on {node} has not come up: {reason}',
    hint: 'See its log on that node (/var/log/ceph, or services/ceph-osd-{osd}.log of PVC); the device is as it was made.',
    http: 504,
    exit: 'failed',
  },
  OSD_NEEDED: {
    message: 'The disk osd.{osd} cannot be taken out of the storage.',
    hint: 'Nothing was changed. Add disks or wait until `pvc storage status` is ok; --force does it all the same, and what only this disk holds is lost.',
    http: 409,
    exit: 'refused',
  },
  OSD_NOT_FOUND: {
    message: 'There is no osd.{osd}.',
    hint: 'See `pvc storage osd list`.',
    http: 404,
    exit: 'notFound',
  },
  OSD_DISK_GONE: {
    message: 'The disk of osd.{osd} is not there: neither {device} nor another device of the node holds it.',
    hint: 'See `pvc storage device list` and the cables of the node. A disk that is lost: `pvc storage osd remove {osd} --force`, or `replace`.',
    http: 404,
    exit: 'failed',
  },
  OSD_RUNS: {
    message: 'osd.{osd} runs on, although it was told to end.',
    hint: 'See `pvc storage osd list`. Nothing of it was taken away; end the process on its node and try again.',
    http: 504,
    exit: 'failed',
  },
  OSD_INPUT: {
    message: 'That cannot be done with a disk of the storage: {reason}.',
    hint: 'See the --help of the command. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
});
