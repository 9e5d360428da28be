/** The section `plugins.ceph` of pvc.yaml. @module */
import { z } from '../../core/plugin/api.ts';

export const cephConfig = z.strictObject({
  osdMemoryMiB: z
    .int()
    .min(896)
    .max(1_048_576)
    .default(4096)
    .describe('memory that each OSD of this node aims at, in MiB (osd_memory_target)'),
});
export type CephConfig = z.output<typeof cephConfig>;
