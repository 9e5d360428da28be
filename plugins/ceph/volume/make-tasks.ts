/** Makes volumes: empty ones, clones, and from a disk image in a file. Each task may be begun again at any moment. @module */
import { type AnyTaskDefinition, defineTask, names, type Runtime, type TaskRun, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { convertToImage, diskFormat, inspectDiskFile, needDiskFile } from './disk-file.ts';
import { cloneImage, createImage, flattenImage, imageInfo, progressIn } from './image.ts';
import { guardRoom } from './room.ts';
import { makeSnapshot, removeSnapshot } from './snapshot-image.ts';
import { imageOf, type VolumeBook } from './volume-book.ts';
import { volume, volumeError } from './volume-kind.ts';

export const cloneInput = z.strictObject({
  from: names.uuid,
  /** None: as it is in the moment of the clone. */
  snapshot: names.objectName.nullable(),
  /** Everything is copied, so that the clone stands alone. */
  full: z.boolean(),
});

export const importInput = z.strictObject({
  path: names.absolutePath,
  format: diskFormat.nullable(),
  force: z.boolean(),
});

/** Those that a task makes for itself end with its id, so that it finds them again. */
const ownSnapshot = (run: Pick<TaskRun, 'id'>): string => `pvc-clone-${run.id}`;

export function makeTasks(runtime: Runtime, ceph: CephCommand, book: VolumeBook): AnyTaskDefinition[] {
  const { host, documents, node } = runtime;

  const source = async (run: Pick<TaskRun, 'spec'>): Promise<string | undefined> => {
    const doc = await documents.get(volume, cloneInput.parse(run.spec.input).from);
    return doc === undefined ? undefined : imageOf(doc.spec);
  };

  async function forgetOwnSnapshot(run: Pick<TaskRun, 'id' | 'spec'>): Promise<void> {
    const from = await source(run);
    if (from !== undefined) await removeSnapshot(ceph, from, ownSnapshot(run));
  }

  return [
    defineTask({
      action: 'volume.create',
      summary: 'makes an empty volume',
      run: (run) => book.make(run, async (image) => createImage(ceph, image, (await book.need(run)).spec.sizeBytes)),
      abandoned: (run) => book.unmake(run),
    }),
    defineTask({
      action: 'volume.clone',
      summary: 'makes a volume with what another one holds',
      async run(run) {
        const { from: id, snapshot, full } = cloneInput.parse(run.spec.input);
        const from = imageOf((await documents.need(volume, id)).spec);
        try {
          return await book.make(run, async (image) => {
            try {
              if (snapshot === null) await makeSnapshot(ceph, from, ownSnapshot(run));
              await cloneImage(ceph, from, snapshot ?? ownSnapshot(run), image);
            } catch (error) {
              if ((await imageInfo(ceph, from)) === undefined)
                throw volumeError('VOLUME_LOST', { volume: from }, { cause: error });
              throw error;
            }
            if (full)
              await flattenImage(ceph, image, {
                timeoutMs: run.leftMs,
                signal: run.signal,
                onOutput: (text) => run.progress(progressIn(text) ?? 0, `copies ${from}`),
              });
          });
        } finally {
          // A daemon that stops takes it up again; the clone keeps what it reads, also without the snapshot.
          if (!run.signal.aborted) await forgetOwnSnapshot(run);
        }
      },
      async abandoned(run) {
        await book.unmake(run);
        await forgetOwnSnapshot(run);
      },
    }),
    defineTask({
      action: 'volume.import',
      summary: 'makes a volume from a disk image in a file of the node',
      async run(run) {
        const { path, format, force } = importInput.parse(run.spec.input);
        return book.make(run, async (image) => {
          const file = await inspectDiskFile(host, node, path, format ?? undefined);
          needDiskFile(node, file);
          const { pool } = (await book.need(run)).spec;
          await guardRoom(ceph, pool, file.sizeBytes, force);
          await createImage(ceph, image, file.sizeBytes);
          await convertToImage(ceph, file, image, {
            timeoutMs: run.leftMs,
            signal: run.signal,
            onOutput: (text) => run.progress(progressIn(text) ?? 0, `copies ${path}`),
          });
        });
      },
      abandoned: (run) => book.unmake(run),
    }),
  ];
}
