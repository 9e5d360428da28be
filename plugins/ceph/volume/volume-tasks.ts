/** Makes, grows and removes volumes: tasks of the primary. Each may be begun again at any moment. @module */
import {
  type AnyTaskDefinition,
  type Doc,
  defineTask,
  isStoreAway,
  type Runtime,
  type TaskRun,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { createImage, imageInfo, removeImage, resizeImage } from './image.ts';
import { type VolumeSpec, volume, volumeError } from './volume-kind.ts';

const imageOf = ({ pool, name }: VolumeSpec): string => `${pool}/${name}`;
const removeTimeoutMs = 3_600_000;

export const resizeInput = z.strictObject({ sizeBytes: z.int() });

export function volumeTasks(runtime: Runtime, ceph: CephCommand): AnyTaskDefinition[] {
  const { host, documents } = runtime;
  type VolumeDoc = Doc<VolumeSpec, null>;

  const docOf = (run: Pick<TaskRun, 'spec'>): Promise<VolumeDoc | undefined> =>
    documents.get(volume, run.spec.target.id);

  async function forget(run: Pick<TaskRun, 'spec'>): Promise<void> {
    const doc = await docOf(run);
    if (doc !== undefined) await runtime.write([{ do: 'remove', kind: volume, before: doc }], { asPrimary: true });
  }

  async function become(run: TaskRun, change: Partial<VolumeSpec>): Promise<void> {
    const doc = await documents.need(volume, run.spec.target.id);
    await runtime.write([{ do: 'spec', kind: volume, before: doc, spec: { ...doc.spec, ...change } }], {
      asPrimary: true,
    });
  }

  /** What a making that failed has left: nothing. */
  async function undoMake(run: Pick<TaskRun, 'spec' | 'phase'>): Promise<void> {
    const doc = await docOf(run);
    if (doc === undefined) return;
    if (run.phase === 'make') await removeImage(ceph, imageOf(doc.spec), { timeoutMs: removeTimeoutMs });
    await forget(run);
  }

  async function make(run: TaskRun): Promise<unknown> {
    const { spec } = await documents.need(volume, run.spec.target.id);
    const image = imageOf(spec);
    // Until this phase is written down an image of that name is somebody else's.
    if (run.phase === '' && (await imageInfo(ceph, image)) !== undefined)
      throw volumeError('VOLUME_FOREIGN', { volume: image });
    await run.advance('make', { message: `makes ${image}` });
    if ((await imageInfo(ceph, image)) === undefined) await createImage(ceph, image, spec.sizeBytes);
    await become(run, { making: false });
    return { volume: image };
  }

  return [
    defineTask({
      action: 'volume.create',
      summary: 'makes a volume',
      async run(run) {
        try {
          return await patiently(host, run, () => make(run));
        } catch (error) {
          if (!run.signal.aborted && !isStoreAway(error)) await undoMake(run);
          throw error;
        }
      },
      abandoned: undoMake,
    }),
    defineTask({
      action: 'volume.resize',
      summary: 'makes a volume larger',
      run: (run) =>
        patiently(host, run, async () => {
          const { spec } = await documents.need(volume, run.spec.target.id);
          const { sizeBytes } = resizeInput.parse(run.spec.input);
          const now = (await imageInfo(ceph, imageOf(spec)))?.sizeBytes ?? 0;
          if (now < sizeBytes) await resizeImage(ceph, imageOf(spec), sizeBytes);
          await become(run, { sizeBytes });
          return { volume: imageOf(spec), sizeBytes };
        }),
    }),
    defineTask({
      action: 'volume.remove',
      summary: 'removes a volume',
      run: (run) =>
        patiently(host, run, async () => {
          const doc = await docOf(run);
          if (doc === undefined) return { removed: true };
          await removeImage(ceph, imageOf(doc.spec), { timeoutMs: removeTimeoutMs, signal: run.signal });
          await forget(run);
          return { volume: imageOf(doc.spec) };
        }),
    }),
  ];
}
