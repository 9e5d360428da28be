/** What the task that makes a guest of an OVF package is told. @module */
import { names, z } from '../../../core/plugin/api.ts';
import { volumeName } from '../export/manifest.ts';
import { disk, diskTarget } from '../schema.ts';

export const ovaInput = z.strictObject({
  /** For messages. */
  name: names.objectName,
  directory: names.absolutePath,
  volumes: z.array(
    z.strictObject({
      /** Of the planned volume. */
      id: z.string(),
      volume: volumeName,
      target: diskTarget,
      file: z.string(),
      /** What the file must come to; null: the package does not say. */
      sum: z.strictObject({ algorithm: z.enum(['sha1', 'sha256', 'sha512']), sum: z.string() }).nullable(),
    }),
  ),
  /** What the guest gets in the end. */
  disks: z.array(disk),
  run: z.enum(['running', 'stopped']),
  autostart: z.boolean(),
});
export type OvaInput = z.output<typeof ovaInput>;
