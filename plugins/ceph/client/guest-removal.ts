/** How a volume goes together with what others made of it: an image for guests. @module */
import type { PlanBuilder, PlanContext, Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needClosed } from '../volume/closed.ts';
import { needFreeSnapshot } from '../volume/common.ts';
import { clonesOf, removeImage } from '../volume/image.ts';
import { removeSnapshot, snapshotsOf } from '../volume/snapshot-image.ts';
import { imageOf } from '../volume/volume-book.ts';
import { volumeError, volume as volumeKind } from '../volume/volume-kind.ts';

/** Emptying an image takes as long as the disks take; the task that waits for it has its own end. */
const longTimeoutMs = 24 * 3_600_000;

export function guestRemoval({ documents, write }: Pick<Runtime, 'documents' | 'write'>, ceph: CephCommand) {
  const patient = ceph.patient();

  /** @throws PvcError VOLUME_CLONED */
  async function needUncloned(image: string, by: CephCommand): Promise<void> {
    const clones = await clonesOf(by, image);
    if (clones.length > 0) throw volumeError('VOLUME_CLONED', { volume: image, clones: clones.join(', ') });
  }

  return {
    async planRemove(plan: PlanBuilder, { view }: PlanContext, ref: string, snapshot: string): Promise<string> {
      const doc = await view.find(volumeKind, 'image', ref);
      if (doc === undefined) throw volumeError('VOLUME_NOT_FOUND', { volume: ref });
      const image = imageOf(doc.spec);
      await needUncloned(image, ceph);
      await needClosed(ceph, image, 'its removal');
      const others = ((await snapshotsOf(ceph, image)) ?? []).map(({ name }) => name).filter((one) => one !== snapshot);
      for (const one of others) await needFreeSnapshot(view, ref, one);
      if (others.length > 0) throw volumeError('VOLUME_HAS_SNAPSHOTS', { volume: image, snapshots: others.join(', ') });
      plan.update(volumeKind, doc, { ...doc.spec, removing: true });
      return doc.id;
    },
    async remove(id: string, signal: AbortSignal): Promise<void> {
      const doc = await documents.get(volumeKind, id);
      if (doc === undefined) return;
      const image = imageOf(doc.spec);
      const long = { timeoutMs: longTimeoutMs, signal };
      await needUncloned(image, patient);
      for (const { name } of (await snapshotsOf(patient, image)) ?? [])
        await removeSnapshot(patient, image, name, long);
      await removeImage(patient, image, long);
      await write([{ do: 'remove', kind: volumeKind, before: doc }]);
    },
  };
}
