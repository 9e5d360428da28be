/** Makes images of volumes, and takes them back. Each task may be begun again at any moment. @module */
import {
  type AnyTaskDefinition,
  type Doc,
  defineTask,
  orTakenBack,
  type Runtime,
  type TaskRun,
  writtenBy,
  z,
} from '../../../core/plugin/api.ts';
import { storeKnowing, type VolumeStore, type VolumeStoreHook, volumeStores } from '../snapshot/volume-store.ts';
import { type ImageSpec, image as imageKind, sha256 } from './image-kind.ts';
import { readImage } from './image-read.ts';
import { provisionError } from './provision-errors.ts';

export const imageInput = z.strictObject({
  /** What its checksum must be; null: whatever it is. */
  sha256: sha256.nullable(),
});

type Run = Pick<TaskRun, 'spec'>;

/** The storage that has a volume. @throws PvcError IMAGE_UNFIT */
async function storeOf(hook: VolumeStoreHook, { name, volume }: ImageSpec): Promise<VolumeStore> {
  const store = await storeKnowing(await volumeStores(hook), volume);
  if (store === undefined)
    throw provisionError('IMAGE_UNFIT', { image: name, volume, reason: 'no storage knows this volume' });
  return store;
}

export function imageTasks(runtime: Runtime, hook: VolumeStoreHook): AnyTaskDefinition[] {
  const { documents } = runtime;
  const docOf = ({ spec }: Run): Promise<Doc<ImageSpec, null> | undefined> => documents.get(imageKind, spec.target.id);

  async function make(run: TaskRun): Promise<unknown> {
    const doc = await docOf(run);
    // An earlier life of this task has taken it back, and died before it could say so.
    if (doc === undefined) throw provisionError('IMAGE_UNDONE', { image: run.spec.target.label });
    const { name, volume, snapshot } = doc.spec;
    if (!doc.spec.making) return { image: name, sha256: doc.spec.sha256 };
    const wanted = imageInput.parse(run.spec.input).sha256;
    const store = await storeOf(hook, doc.spec);
    await store.snapshot(volume, snapshot, run.signal);
    const { sizeBytes } = await store.describe(volume, { snapshot, since: undefined }, run.signal);
    const told = (share: number) => run.progress(share, `reads ${volume}`);
    const found = await readImage(store, doc.spec, { sizeBytes, wanted }, { signal: run.signal, told });
    await runtime.write(
      [{ do: 'spec', kind: imageKind, before: doc, spec: { ...doc.spec, sizeBytes, sha256: found, making: false } }],
      writtenBy(run),
    );
    return { image: name, sha256: found };
  }

  async function takeBack(run: Run): Promise<void> {
    const doc = await docOf(run);
    if (doc === undefined || !doc.spec.making) return;
    await forget(run, doc);
  }

  async function forget(run: Run, doc: Doc<ImageSpec, null>, signal = new AbortController().signal): Promise<void> {
    const { volume, snapshot } = doc.spec;
    await (await storeKnowing(await volumeStores(hook), volume))?.removeSnapshot(volume, snapshot, signal);
    await runtime.write([{ do: 'remove', kind: imageKind, before: doc }], writtenBy(run));
  }

  return [
    defineTask({
      action: 'image.make',
      summary: 'makes an image of a volume',
      ...orTakenBack(make, takeBack),
    }),
    defineTask({
      action: 'image.remove',
      summary: 'removes an image',
      async run(run) {
        const doc = await docOf(run);
        if (doc !== undefined) await forget(run, doc, run.signal);
        return { image: run.spec.target.label };
      },
    }),
  ];
}
