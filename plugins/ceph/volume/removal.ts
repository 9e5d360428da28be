/** How a volume goes, by itself or with its guest. @module */
import { type Doc, type PlanBuilder, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { volumeTask } from './common.ts';
import { clonesOf } from './image.ts';
import { snapshotsOf } from './snapshot-image.ts';
import { type VolumeSpec, volume, volumeError } from './volume-kind.ts';

const removeTimeoutMs = 24 * 3_600_000;

export const removeInput = z.strictObject({
  withSnapshots: z.boolean(),
  /** Its guest has just ended: what has it open lets go of it by itself. */
  awaitClosed: z.boolean().default(false),
});

/** Plans that a volume goes: nobody can refer to it any more, and a task removes its image. */
export function planRemoval(plan: PlanBuilder, doc: Doc<VolumeSpec, null>, input: z.input<typeof removeInput>): void {
  const label = `${doc.spec.pool}/${doc.spec.name}`;
  plan.update(volume, doc, { ...doc.spec, removing: true });
  volumeTask(plan, 'volume.remove', { id: doc.id, label }, input, removeTimeoutMs);
  plan.act(`remove the image ${label}`);
}

/**
 * That nothing in an image must stay.
 * @returns the names of its snapshots
 * @throws PvcError VOLUME_CLONED, VOLUME_HAS_SNAPSHOTS, SNAPSHOT_PROTECTED
 */
export async function needRemovable(ceph: CephCommand, image: string, withSnapshots: boolean): Promise<string[]> {
  const clones = await clonesOf(ceph, image);
  if (clones.length > 0) throw volumeError('VOLUME_CLONED', { volume: image, clones: clones.join(', ') });
  const snapshots = (await snapshotsOf(ceph, image)) ?? [];
  if (snapshots.length > 0 && !withSnapshots)
    throw volumeError('VOLUME_HAS_SNAPSHOTS', {
      volume: image,
      snapshots: snapshots.map(({ name }) => name).join(', '),
    });
  const kept = snapshots.find((one) => one.protected);
  if (kept !== undefined) throw volumeError('SNAPSHOT_PROTECTED', { volume: image, snapshot: kept.name });
  return snapshots.map(({ name }) => name);
}
