/** What the tasks of exports and imports are told. @module */
import { names, z } from '../../../core/plugin/api.ts';
import { disk, diskTarget, vmSpec } from '../schema.ts';
import { volumeName } from './manifest.ts';

export const exportInput = z.strictObject({
  snapshot: names.uuid,
  /** The snapshot that the export builds on; null: a full one. */
  since: names.uuid.nullable(),
  /** Where the directory of the export comes to lie. */
  directory: names.absolutePath,
  /** Its name. */
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9._-]*$/),
});

const copy = z.strictObject({
  directory: names.absolutePath,
  file: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  snapshot: z.string(),
  since: z.string().nullable(),
  sizeBytes: z.int(),
});
export type PlannedCopy = z.infer<typeof copy>;

export const importInput = z.strictObject({
  /** For messages. */
  name: names.objectName,
  /** The planned volumes, each with its copies in order. */
  volumes: z.array(
    z.strictObject({ id: z.string(), target: diskTarget, volume: volumeName, form: z.string(), copies: z.array(copy) }),
  ),
  /** What the guest gets in the end. */
  disks: z.array(disk),
  run: vmSpec.shape.run,
  autostart: z.boolean(),
});
export type PlannedVolume = z.infer<typeof importInput>['volumes'][number];
