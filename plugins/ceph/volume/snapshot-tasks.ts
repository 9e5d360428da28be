/** Makes, changes, uses and removes snapshots of volumes. Each task may be begun again at any moment. @module */
import { type AnyTaskDefinition, defineTask, names, type Runtime, type TaskRun, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { needRollBack } from './closed.ts';
import { progressIn } from './image.ts';
import { makeSnapshot, protectSnapshot, removeSnapshot, renameSnapshot, rollBack } from './snapshot-image.ts';
import type { VolumeBook } from './volume-book.ts';

export const snapshotInput = z.strictObject({ snapshot: names.objectName });
export const renameInput = snapshotInput.extend({ to: names.objectName });
export const protectInput = snapshotInput.extend({ protected: z.boolean() });

export function snapshotTasks(runtime: Runtime, ceph: CephCommand, book: VolumeBook): AnyTaskDefinition[] {
  const { host } = runtime;

  /** A task on a snapshot of the volume that it is about. */
  const snapshotTask = <T extends { snapshot: string }>(
    verb: string,
    summary: string,
    input: { parse(value: unknown): T },
    act: (image: string, parsed: T, run: TaskRun) => Promise<unknown>,
  ): AnyTaskDefinition =>
    defineTask({
      action: `volume.snapshot-${verb}`,
      summary,
      run: (run) =>
        patiently(host, run, async () => {
          const parsed = input.parse(run.spec.input);
          const image = await book.needImage(run);
          await act(image, parsed, run);
          return { volume: image, snapshot: parsed.snapshot };
        }),
    });

  /** @throws PvcError VOLUME_LOST, SNAPSHOT_NOT_FOUND, VOLUME_IN_USE */
  async function rollback(image: string, { snapshot }: { snapshot: string }, run: TaskRun): Promise<void> {
    await needRollBack(ceph, image, snapshot);
    await rollBack(ceph, image, snapshot, {
      timeoutMs: run.leftMs,
      signal: run.signal,
      onOutput: (text) => run.progress(progressIn(text) ?? 0, `goes back to ${snapshot}`),
    });
  }

  return [
    snapshotTask('add', 'makes a snapshot of a volume', snapshotInput, (image, { snapshot }) =>
      makeSnapshot(ceph, image, snapshot),
    ),
    snapshotTask('rename', 'gives a snapshot another name', renameInput, (image, { snapshot, to }) =>
      renameSnapshot(ceph, image, snapshot, to),
    ),
    snapshotTask('protect', 'protects a snapshot, or ends that', protectInput, (image, input) =>
      protectSnapshot(ceph, image, input.snapshot, input.protected),
    ),
    snapshotTask('rollback', 'makes a volume what it was', snapshotInput, rollback),
    snapshotTask('remove', 'removes a snapshot', snapshotInput, (image, { snapshot }, run) =>
      removeSnapshot(ceph, image, snapshot, { timeoutMs: run.leftMs, signal: run.signal }),
    ),
  ];
}
