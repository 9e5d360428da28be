/** A volume: an RBD image that guests have as a disk. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';

/** `pool/name`; the same two go to rbd, so neither may hold "/", "@" or begin with "-". */
export const volumeRef = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'a volume is named POOL/NAME, each 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-", starting and ending with a letter or digit',
  )
  .describe('the volume, POOL/NAME');

/** Up to 4 PiB; and no less than the least that RBD's object map can hold, one object of 4 KiB. */
export const volumeBytes = z
  .int()
  .min(4096)
  .max(2 ** 52);

const limit = z.int().min(0);

/** How much a guest may ask of a volume in a second; 0: as much as there is. */
export const volumeLimits = z.strictObject({
  iops: limit.describe('operations a second, 0 for no limit'),
  readIops: limit.describe('reads a second, 0 for no limit'),
  writeIops: limit.describe('writes a second, 0 for no limit'),
  bytesPerS: limit.describe('bytes a second, 0 for no limit'),
  readBytesPerS: limit.describe('bytes read a second, 0 for no limit'),
  writeBytesPerS: limit.describe('bytes written a second, 0 for no limit'),
});
export type VolumeLimits = z.infer<typeof volumeLimits>;

const noLimits: VolumeLimits = {
  iops: 0,
  readIops: 0,
  writeIops: 0,
  bytesPerS: 0,
  readBytesPerS: 0,
  writeBytesPerS: 0,
};

export const volumeSpec = z.strictObject({
  pool: names.objectName,
  name: names.objectName,
  sizeBytes: volumeBytes,
  createdMs: z.int(),
  limits: volumeLimits.default(noLimits),
  /** A task gives it another name: the one that its image still has. */
  was: names.objectName.optional(),
  /** A task makes it: it has no name yet that others may use. */
  making: z.boolean().default(false),
  /** A task removes it: it has no name any more that others may use. */
  removing: z.boolean().default(false),
});
export type VolumeSpec = z.infer<typeof volumeSpec>;

export const volume = defineKind<VolumeSpec, null>({
  name: 'volume',
  plural: 'volumes',
  version: 1,
  id: names.uuid,
  spec: volumeSpec,
  status: z.null(),
  unique: ({ pool, name, was, making, removing }) => ({
    // By this one others refer to it.
    name: making || removing || was !== undefined ? [] : [`${pool}/${name}`],
    image: [`${pool}/${name}`, ...(was === undefined ? [] : [`${pool}/${was}`])],
  }),
  label: ({ pool, name }) => `${pool}/${name}`,
  command: 'storage volume',
});

export const volumeError = defineErrors({
  VOLUME_NOT_FOUND: {
    message: 'There is no volume {volume}.',
    hint: 'See `pvc storage volume list`.',
    http: 404,
    exit: 'notFound',
  },
  VOLUME_EXISTS: {
    message: 'There is already a volume {volume}.',
    hint: 'Choose another name. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  VOLUME_FOREIGN: {
    message: 'The pool has an image {volume} already, which PVC does not know.',
    hint: 'See it with `rbd info {volume}` on a node; choose another name, or remove the image there.',
    http: 409,
    exit: 'conflict',
  },
  VOLUME_LOST: {
    message: 'The image of the volume {volume} is not in Ceph any more.',
    hint: 'Somebody else has removed or renamed it: see `rbd ls` and `rbd trash ls` on a node.',
    http: 409,
    exit: 'failed',
  },
  VOLUME_NO_ROOM: {
    message:
      'There is no room for {wanted} more in the pool {pool}: {free} are free, and {limit} % shall not be passed.',
    hint: 'Add disks (`pvc storage osd add`) or remove volumes; --force does it all the same.',
    http: 409,
    exit: 'refused',
  },
  VOLUME_SHRINKS: {
    message: 'The volume {volume} has {now} and cannot become smaller: what is beyond {wanted} would be lost.',
    hint: 'Make a new volume and copy what is needed. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VOLUME_CLONED: {
    message: 'The volume {volume} is what others were cloned from: {clones}.',
    hint: 'Make them stand alone first: `pvc storage volume flatten CLONE`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VOLUME_IN_USE: {
    message: 'The volume {volume} is in use by {users}; {what} needs it free.',
    hint: 'Shut the guest down, or see who has it: `pvc storage volume info {volume}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VOLUME_HAS_SNAPSHOTS: {
    message: 'The volume {volume} has the snapshots {snapshots}.',
    hint: 'Remove them first (`pvc storage snapshot remove`), or use --with-snapshots. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VOLUME_UNCHANGED: {
    message: 'Nothing to change in the volume {volume}.',
    hint: 'It is already as asked.',
    http: 409,
    exit: 'refused',
  },
  SNAPSHOT_NOT_FOUND: {
    message: 'The volume {volume} has no snapshot {snapshot}.',
    hint: 'See `pvc storage snapshot list {volume}`.',
    http: 404,
    exit: 'notFound',
  },
  SNAPSHOT_EXISTS: {
    message: 'The volume {volume} has a snapshot {snapshot} already.',
    hint: 'Choose another name. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  SNAPSHOT_PROTECTED: {
    message: 'The snapshot {snapshot} of the volume {volume} is protected.',
    hint: 'Take the protection off first: `pvc storage snapshot unprotect {volume} {snapshot}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  SNAPSHOT_USED: {
    message: 'The snapshot {snapshot} of the volume {volume} belongs to {users}.',
    hint: 'Remove that first. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  VOLUME_COPY_UNFIT: {
    message: 'What is told of the volume {volume} cannot be taken: {reason}.',
    hint: 'It was exported by another version of PVC, or changed since. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  DISK_FILE_UNFIT: {
    message: 'The file {path} on {node} cannot become a volume: {reason}.',
    hint: 'Disk images in raw, qcow2, vmdk, vdi, vhdx and vpc form can; `qemu-img info` tells about a file. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  TRANSFER_NO_SPACE: {
    message: 'The node {node} has no room for the file: {wanted} are needed below {directory}, and {free} are free.',
    hint: 'Ask another node, or bring the file to a larger disk of a node and use `pvc storage volume import`. Nothing was changed.',
    http: 507,
    exit: 'refused',
  },
  DISK_FILE_EXISTS: {
    message: 'There is something at {path} on {node} already.',
    hint: 'Choose another path. Nothing was written.',
    http: 409,
    exit: 'conflict',
  },
});
