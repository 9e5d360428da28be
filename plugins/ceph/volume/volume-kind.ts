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

/** 4 PiB; and no less than one object of RBD's smallest. */
export const volumeBytes = z
  .int()
  .min(4096)
  .max(2 ** 52);

export const volumeSpec = z.strictObject({
  pool: names.objectName,
  name: names.objectName,
  sizeBytes: volumeBytes,
  createdMs: z.int(),
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
  unique: ({ pool, name, making, removing }) => ({
    // By this one others refer to it.
    name: making || removing ? [] : [`${pool}/${name}`],
    image: [`${pool}/${name}`],
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
});
