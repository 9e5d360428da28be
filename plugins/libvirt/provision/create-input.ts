/** What the task that makes a guest of a profile is told. @module */
import { names, z } from '../../../core/plugin/api.ts';
import { disk } from '../schema.ts';
import { volumeName } from './image-kind.ts';

export const createInput = z.strictObject({
  name: names.objectName,
  profile: names.objectName,
  volumes: z.array(
    z.strictObject({
      /** Of the planned volume. */
      id: z.string(),
      volume: volumeName,
      /** Where in the guest. */
      target: disk.shape.target,
      sizeBytes: z.int(),
      /** What it is a clone of; null: it is empty. */
      from: z.strictObject({ volume: volumeName, snapshot: names.objectName }).nullable(),
    }),
  ),
  /** The volume for cloud-init; null: it asks over the network. What is in it is the guest's seed (guest-seed.ts). */
  seed: z.strictObject({ id: z.string(), volume: volumeName }).nullable(),
  /** What the guest gets at the end. */
  disks: z.array(disk),
  run: z.enum(['running', 'stopped']),
  autostart: z.boolean(),
});
export type CreateInput = z.output<typeof createInput>;
