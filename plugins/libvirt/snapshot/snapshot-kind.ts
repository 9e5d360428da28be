/** A snapshot of a whole guest: all its volumes in one moment, and what it was defined as. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { vmSpec } from '../schema.ts';

/** With what its images are called in the storage it must still be a name there. */
export const snapshotName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?$/,
    'a snapshot is named by 1 to 40 of A-Z, a-z, 0-9, ".", "_" and "-", starting and ending with a letter or digit',
  )
  .describe('its name');

/**
 * In what state its disks were caught. `frozen`: the guest's agent had its file systems in order; `paused`: its CPUs stood
 * still, so they are what a power cut leaves, all of one moment; `off`: it did not run.
 */
export const quiets = ['frozen', 'paused', 'off'] as const;

export const snapshotSpec = z.strictObject({
  vm: names.uuid,
  name: snapshotName,
  createdMs: z.int(),
  /** The guest as it was defined. */
  guest: vmSpec,
  /** Its disks that can be written to, and what their snapshots are called. */
  volumes: z
    .array(z.strictObject({ target: z.string(), volume: z.string(), snapshot: names.objectName }))
    .min(1)
    .max(256),
  quiet: z.enum(quiets).optional(),
  /** How long the guest stood still, ms. */
  quietMs: z.int().min(0).optional(),
  /** A task makes it, or has not come to its end. */
  making: z.boolean(),
  removing: z.boolean(),
});
export type SnapshotSpec = z.infer<typeof snapshotSpec>;

export const vmSnapshot = defineKind<SnapshotSpec, null>({
  name: 'vm-snapshot',
  plural: 'vm-snapshots',
  version: 1,
  id: names.uuid,
  spec: snapshotSpec,
  status: z.null(),
  unique: ({ vm, name }) => ({ name: [`${vm}/${name}`] }),
  refers: ({ volumes }) =>
    volumes.flatMap(({ volume, snapshot }) => [
      { kind: 'volume', name: volume },
      { kind: 'volume-snapshot', name: `${volume}@${snapshot}` },
    ]),
  label: ({ guest, name }) => `${name} of ${guest.name}`,
  command: 'vm snapshot',
});

export const snapshotError = defineErrors({
  VM_SNAPSHOT_NOT_FOUND: {
    message: 'The guest {vm} has no snapshot {snapshot}.',
    hint: 'See `pvc vm snapshot list {vm}`.',
    http: 404,
    exit: 'notFound',
  },
  VM_SNAPSHOT_EXISTS: {
    message: 'The guest {vm} has a snapshot {snapshot} already.',
    hint: 'Choose another name. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  VM_SNAPSHOT_UNFIT: {
    message: 'No snapshot of the guest {vm} can be made: {reason}.',
    hint: 'Snapshots need every disk that the guest writes to in a volume of the cluster: `pvc storage volume import` makes one from a file.',
    http: 409,
    exit: 'refused',
  },
  VM_SNAPSHOT_UNFINISHED: {
    message: 'The snapshot {snapshot} of the guest {vm} is not whole.',
    hint: 'See `pvc task list`; `pvc vm snapshot remove {vm} {snapshot}` removes what there is of it.',
    http: 409,
    exit: 'refused',
  },
  VM_HAS_SNAPSHOTS: {
    message: 'The guest {vm} has the snapshots {snapshots}.',
    hint: 'Remove them first: `pvc vm snapshot remove {vm} NAME`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
});
