/**
 * Makes an image of a disk file of this node. The volume is nobody's until it is filled, its snapshot made and all of it read;
 * then volume and image are there in one commit. What fails before leaves neither. May be begun again at any moment.
 * @module
 */
import {
  type AnyTaskDefinition,
  type Doc,
  defineTask,
  names,
  orTakenBack,
  type Runtime,
  type TaskRun,
  writtenBy,
  z,
} from '../../../core/plugin/api.ts';
import { diskForm, type VolumeStoreHook } from '../snapshot/volume-store.ts';
import { type ImageSpec, image as imageKind, sha256 } from './image-kind.ts';
import { readImage, storeByPool } from './image-read.ts';
import { provisionError } from './provision-errors.ts';

export const imageImportInput = z.strictObject({
  /** Of the planned volume. */
  volumeId: z.string(),
  path: names.absolutePath,
  form: diskForm,
  sizeBytes: z.int(),
  /** What the checksum of its content must be; null: whatever it is. */
  sha256: sha256.nullable(),
});

type Run = Pick<TaskRun, 'spec' | 'phase'>;
type ImageDoc = Doc<ImageSpec, null>;

/** How much of the time it takes to fill the volume, for progress. */
const fillShare = 0.6;

export function imageImportTask(runtime: Runtime, hook: VolumeStoreHook): AnyTaskDefinition {
  const { documents } = runtime;
  const docOf = ({ spec }: Run): Promise<ImageDoc | undefined> => documents.get(imageKind, spec.target.id);

  async function make(run: TaskRun): Promise<unknown> {
    const doc = await docOf(run);
    // An earlier life of this task has taken it back, and died before it could say so.
    if (doc === undefined) throw provisionError('IMAGE_UNDONE', { image: run.spec.target.label });
    const { name, volume, snapshot, making } = doc.spec;
    if (!making) return { image: name, sha256: doc.spec.sha256 };
    const { volumeId, path, form, sizeBytes, sha256: wanted } = imageImportInput.parse(run.spec.input);
    const store = await storeByPool(hook, doc.spec);
    const again = run.phase !== '';
    if (!again) {
      await store.needFree(volumeId);
      await run.advance('fill', { message: `fills ${volume}` });
    }
    await store.makeFrom(volumeId, { from: 'file', path, form }, { again, signal: run.signal });
    await store.snapshot(volume, snapshot, run.signal);
    const told = (share: number) => run.progress(fillShare + (1 - fillShare) * share, `reads ${volume}`);
    const found = await readImage(store, doc.spec, { sizeBytes, wanted }, { signal: run.signal, told });
    const { volumeToo: _made, ...spec } = doc.spec;
    const made = await store.made(volumeId);
    await runtime.write(
      [
        ...(made === undefined ? [] : [made]),
        { do: 'spec', kind: imageKind, before: doc, spec: { ...spec, sizeBytes, sha256: found, making: false } },
      ],
      writtenBy(run),
    );
    return { image: name, sha256: found };
  }

  async function takeBack(run: Run): Promise<void> {
    const doc = await docOf(run);
    if (doc === undefined || !doc.spec.making) return;
    const { volumeId } = imageImportInput.parse(run.spec.input);
    await (await storeByPool(hook, doc.spec)).unmake(volumeId, run.phase !== '');
    await runtime.write([{ do: 'remove', kind: imageKind, before: doc }], writtenBy(run));
  }

  return defineTask({
    action: 'image.import',
    summary: 'makes an image of a disk file of the node',
    ...orTakenBack(make, takeBack),
  });
}
