/** Changes and removes volumes, and copies them into files. Each task may be begun again at any moment. @module */
import {
  type AnyTaskDefinition,
  defineTask,
  names,
  orTakenBack,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { needClosed, whenClosed } from './closed.ts';
import { convertToFile, diskFormat } from './disk-file.ts';
import { flattenImage, growImage, imageInfo, limitImage, progressIn, removeImage, renameImage } from './image.ts';
import { needRemovable, removeInput } from './removal.ts';
import { makeSnapshot, removeSnapshot, snapshotsOf } from './snapshot-image.ts';
import { imageOf, type VolumeBook } from './volume-book.ts';
import { volumeError } from './volume-kind.ts';

export const resizeInput = z.strictObject({
  sizeBytes: z.int(),
  /** Guests that have it as a disk: their running ones are told. */
  guests: z.array(z.string()),
});
export const exportInput = z.strictObject({
  path: names.absolutePath,
  format: diskFormat,
  /** None: as it is in the moment of the export. */
  snapshot: names.objectName.nullable(),
});

const ownSnapshot = (run: Pick<TaskRun, 'id'>): string => `pvc-export-${run.id}`;
const partOf = (path: string, run: Pick<TaskRun, 'id'>): string => `${path}.pvc-${run.id}`;

export function changeTasks(runtime: Runtime, ceph: CephCommand, book: VolumeBook): AnyTaskDefinition[] {
  const { host, node } = runtime;
  const long = (run: TaskRun, what: string) => ({
    timeoutMs: run.leftMs,
    signal: run.signal,
    onOutput: (text: string) => run.progress(progressIn(text) ?? 0, what),
  });

  async function exportTo(run: TaskRun): Promise<unknown> {
    const { path, format, snapshot } = exportInput.parse(run.spec.input);
    const image = await book.needImage(run);
    const part = partOf(path, run);
    if (run.phase !== 'place') {
      if ((await host.files.stat(path)) !== undefined) throw volumeError('DISK_FILE_EXISTS', { path, node });
      await run.advance('copy', { message: `copies ${image}` });
      if (snapshot === null) await makeSnapshot(ceph, image, ownSnapshot(run));
      const source = `${image}@${snapshot ?? ownSnapshot(run)}`;
      await convertToFile(ceph, source, part, format, long(run, `copies ${image}`));
      if (snapshot === null) await removeSnapshot(ceph, image, ownSnapshot(run));
      await run.advance('place', { message: `puts it at ${path}` });
    }
    if ((await host.files.stat(part)) !== undefined) await host.files.rename(part, path);
    return { volume: image, node, path, format, sizeBytes: (await host.files.stat(path))?.size };
  }

  async function forgetExport(run: Pick<TaskRun, 'id' | 'spec' | 'phase'>): Promise<void> {
    if (run.phase === '') return;
    await host.files.remove(partOf(exportInput.parse(run.spec.input).path, run));
    const doc = await book.get(run);
    if (doc !== undefined) await removeSnapshot(ceph, imageOf(doc.spec), ownSnapshot(run));
  }

  async function rename(run: TaskRun): Promise<unknown> {
    const { spec } = await book.need(run);
    const to = `${spec.pool}/${spec.name}`;
    if (spec.was === undefined) return { volume: to };
    const image = imageOf(spec);
    const [old, renamed] = [await imageInfo(ceph, image), await imageInfo(ceph, to)];
    if (old !== undefined && renamed === undefined) await renameImage(ceph, image, to);
    // An earlier life of this task may have done it: then the new name alone is there.
    else if (old !== undefined || renamed === undefined) {
      await book.become(run, ({ was, name, ...kept }) => ({ ...kept, name: was ?? name }));
      throw old === undefined
        ? volumeError('VOLUME_LOST', { volume: image })
        : volumeError('VOLUME_FOREIGN', { volume: to });
    }
    await book.become(run, ({ was: _was, ...named }) => named);
    return { volume: to };
  }

  async function remove(run: TaskRun): Promise<unknown> {
    const doc = await book.get(run);
    if (doc === undefined) return { removed: true };
    const image = imageOf(doc.spec);
    if (run.phase === '') {
      try {
        const { withSnapshots, awaitClosed } = removeInput.parse(run.spec.input);
        await needRemovable(ceph, image, withSnapshots);
        if (awaitClosed) await whenClosed(host.clock, ceph, image, 'its removal', run.signal);
        else await needClosed(ceph, image, 'its removal');
      } catch (error) {
        // Nothing of it is gone: it is what it was.
        if ((error as { code?: string }).code !== 'CEPH_AWAY')
          await book.become(run, (spec) => ({ ...spec, removing: false }));
        throw error;
      }
      await run.advance('remove', { message: `removes ${image}` });
    }
    for (const { name } of (await snapshotsOf(ceph, image)) ?? [])
      await removeSnapshot(ceph, image, name, { timeoutMs: run.leftMs, signal: run.signal });
    await removeImage(ceph, image, { timeoutMs: run.leftMs, signal: run.signal });
    await book.forget(run);
    return { volume: image };
  }

  return [
    defineTask({
      action: 'volume.resize',
      summary: 'makes a volume larger',
      async run(run) {
        const { sizeBytes, guests } = resizeInput.parse(run.spec.input);
        const image = await patiently(host, run, async () => {
          const found = await book.needImage(run);
          await growImage(ceph, found, sizeBytes);
          await book.become(run, (spec) => ({ ...spec, sizeBytes }));
          return found;
        });
        for (const vm of guests) await runtime.perform('vm.disk-grow', { vm, volume: image, sizeBytes });
        return { volume: image, sizeBytes };
      },
    }),
    defineTask({
      action: 'volume.rename',
      summary: 'gives a volume another name',
      run: (run) => patiently(host, run, () => rename(run)),
    }),
    defineTask({
      action: 'volume.flatten',
      summary: 'copies into a clone what it still reads from another volume',
      run: (run) =>
        patiently(host, run, async () => {
          const image = await book.needImage(run);
          await flattenImage(ceph, image, long(run, `copies what ${image} reads from another volume`));
          return { volume: image };
        }),
    }),
    defineTask({
      action: 'volume.limit',
      summary: 'sets how much a guest may ask of a volume in a second',
      run: (run) =>
        patiently(host, run, async () => {
          const image = await book.needImage(run);
          await limitImage(ceph, image, (await book.need(run)).spec.limits);
          return { volume: image };
        }),
    }),
    defineTask({
      action: 'volume.export',
      summary: 'copies a volume into a file of the node',
      ...orTakenBack((run) => patiently(host, run, () => exportTo(run)), forgetExport),
    }),
    defineTask({
      action: 'volume.remove',
      summary: 'removes a volume',
      run: (run) => patiently(host, run, () => remove(run)),
    }),
  ];
}
