/** The section `plugins.ceph` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';

export const cephConfig = z.strictObject({
  osdMemoryMiB: z
    .int()
    .min(896)
    .max(1_048_576)
    .default(4096)
    .describe('memory that each OSD of this node aims at, in MiB (osd_memory_target)'),
  settings: z
    .record(
      z.string().regex(/^[a-z][a-z0-9_ ]{1,63}$/, 'the name of a setting of Ceph'),
      z.union([
        z.string().regex(/^[^\n\r#;[\]]{1,200}$/, 'one line without "#", ";", "[" and "]"'),
        z.number(),
        z.boolean(),
      ]),
    )
    .default({})
    .describe('settings for the section [global] of this node’s ceph.conf'),
});
export type CephConfig = z.output<typeof cephConfig>;
