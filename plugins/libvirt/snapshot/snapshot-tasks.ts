/** Makes, uses and removes snapshots of whole guests. Each task may be begun again at any moment. @module */
import {
  type AnyTaskDefinition,
  type Doc,
  defineTask,
  names,
  orUndo,
  type Runtime,
  type TaskRun,
  writtenBy,
  z,
} from '../../../core/plugin/api.ts';
import type { GuestControl } from '../guest-control.ts';
import { Quiet, type QuietData } from './quiet.ts';
import { type SnapshotSpec, vmSnapshot } from './snapshot-kind.ts';
import type { VolumeStoreHook } from './volume-store.ts';
import { withStores } from './with-stores.ts';

export const snapshotInput = z.strictObject({ snapshot: names.uuid });
type Run = Pick<TaskRun<QuietData>, 'spec'>;

export function snapshotTasks(runtime: Runtime, control: GuestControl, hook: VolumeStoreHook): AnyTaskDefinition[] {
  const { documents, host } = runtime;
  const quiet = new Quiet(host, control);
  const docOf = (run: Run): Promise<Doc<SnapshotSpec, null> | undefined> =>
    documents.get(vmSnapshot, snapshotInput.parse(run.spec.input).snapshot);

  async function become(run: Run, change: Partial<SnapshotSpec>): Promise<void> {
    const doc = await docOf(run);
    if (doc === undefined) return;
    await runtime.write(
      [{ do: 'spec', kind: vmSnapshot, before: doc, spec: { ...doc.spec, ...change } }],
      writtenBy(run),
    );
  }

  async function forget(run: Run, signal: AbortSignal): Promise<void> {
    const doc = await docOf(run);
    if (doc === undefined) return;
    for (const [store, { volume, snapshot }] of await withStores(hook, doc.spec))
      await store.removeSnapshot(volume, snapshot, signal);
    await runtime.write([{ do: 'remove', kind: vmSnapshot, before: doc }], writtenBy(run));
  }

  async function add(run: TaskRun<QuietData>): Promise<unknown> {
    const doc = await docOf(run);
    if (doc === undefined) return {};
    await quiet.recover(run, doc.spec.vm);
    if (!doc.spec.making) return { quiet: doc.spec.quiet, quietMs: doc.spec.quietMs };
    const volumes = await withStores(hook, doc.spec);
    // Of an earlier life of this task: of another moment than the rest would be.
    for (const [store, { volume, snapshot }] of volumes) await store.removeSnapshot(volume, snapshot, run.signal);
    const caught = await quiet.during(run, doc.spec.vm, async (signal) => {
      await Promise.all(volumes.map(([store, { volume, snapshot }]) => store.snapshot(volume, snapshot, signal)));
    });
    await become(run, { ...caught, making: false });
    return caught;
  }

  return [
    defineTask<QuietData>({
      action: 'vm.snapshot-add',
      summary: 'makes a snapshot of a guest',
      run: (run) =>
        orUndo(
          run,
          () => add(run),
          () => forget(run, run.signal),
        ),
      async abandoned(run) {
        const doc = await docOf(run);
        if (doc === undefined) return;
        await quiet.recover(run, doc.spec.vm);
        if (doc.spec.making) await forget(run, runtime.signal);
      },
    }),
    defineTask({
      action: 'vm.snapshot-rollback',
      summary: 'makes the disks of a guest what they were',
      async run(run) {
        const doc = await documents.need(vmSnapshot, snapshotInput.parse(run.spec.input).snapshot);
        const volumes = await withStores(hook, doc.spec);
        // All of them, before the first is changed: a guest with disks of two moments is of no use.
        if (run.phase === '')
          for (const [store, { volume, snapshot }] of volumes) await store.needRollBack(volume, snapshot);
        await run.advance('rollback', { message: `makes its disks what they were in ${doc.spec.name}` });
        for (const [done, [store, { volume, snapshot, target }]] of volumes.entries()) {
          run.progress(done / volumes.length, `the disk ${target}`);
          await store.rollBack(volume, snapshot, run.signal);
        }
        return { disks: volumes.map(([, { target }]) => target) };
      },
    }),
    defineTask({
      action: 'vm.snapshot-remove',
      summary: 'removes a snapshot of a guest',
      async run(run) {
        await forget(run, run.signal);
        return {};
      },
    }),
  ];
}
