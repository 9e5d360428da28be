/**
 * The documents of volumes as tasks of the primary change them, and the frame of every task that makes a volume: what
 * fails leaves nothing.
 * @module
 */
import { type Doc, orUndo, type Runtime, type TaskRun, writtenBy } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { imageInfo, removeImage } from './image.ts';
import { type VolumeSpec, volume, volumeError } from './volume-kind.ts';

export type VolumeDoc = Doc<VolumeSpec, null>;
type Target = Pick<TaskRun, 'spec'>;

const removeTimeoutMs = 3_600_000;

/** The name of its image in Ceph. */
export const imageOf = ({ pool, name, was }: VolumeSpec): string => `${pool}/${was ?? name}`;

export class VolumeBook {
  readonly #runtime: Runtime;
  readonly #ceph: CephCommand;

  constructor(runtime: Runtime, ceph: CephCommand) {
    this.#runtime = runtime;
    this.#ceph = ceph;
  }

  get(run: Target): Promise<VolumeDoc | undefined> {
    return this.#runtime.documents.get(volume, run.spec.target.id);
  }

  /** @throws PvcError OBJECT_NOT_FOUND */
  need(run: Target): Promise<VolumeDoc> {
    return this.#runtime.documents.need(volume, run.spec.target.id);
  }

  /** The image of the volume that the task is about. @throws PvcError VOLUME_LOST when Ceph does not have it */
  async needImage(run: Target): Promise<string> {
    const image = imageOf((await this.need(run)).spec);
    if ((await imageInfo(this.#ceph, image)) === undefined) throw volumeError('VOLUME_LOST', { volume: image });
    return image;
  }

  async become(run: Target, change: (spec: VolumeSpec) => VolumeSpec): Promise<void> {
    const doc = await this.need(run);
    await this.#runtime.write([{ do: 'spec', kind: volume, before: doc, spec: change(doc.spec) }], writtenBy(run));
  }

  async forget(run: Target): Promise<void> {
    const doc = await this.get(run);
    if (doc !== undefined) await this.#runtime.write([{ do: 'remove', kind: volume, before: doc }], writtenBy(run));
  }

  /**
   * Makes a volume: `fill` makes its image. What an earlier try has left of it is removed before; an image of that name
   * that was there before all tries is somebody else's and is left alone.
   * @throws PvcError VOLUME_FOREIGN
   */
  make(run: TaskRun, fill: (image: string) => Promise<unknown>): Promise<{ volume: string; sizeBytes: number }> {
    return orUndo(
      run,
      () =>
        patiently(this.#runtime.host, run, async () => {
          const { spec } = await this.need(run);
          const image = imageOf(spec);
          // An earlier life of this task came to its end, and died before it could say so.
          if (!spec.making) return { volume: image, sizeBytes: spec.sizeBytes };
          // Until this phase is written down nothing was touched.
          if (run.phase === '') {
            if ((await imageInfo(this.#ceph, image)) !== undefined)
              throw volumeError('VOLUME_FOREIGN', { volume: image });
            await run.advance('make', { message: `makes ${image}` });
          } else await removeImage(this.#ceph, image, { timeoutMs: removeTimeoutMs });
          await fill(image);
          const made = await imageInfo(this.#ceph, image);
          if (made === undefined) throw volumeError('VOLUME_LOST', { volume: image });
          await this.become(run, (before) => ({ ...before, sizeBytes: made.sizeBytes, making: false }));
          return { volume: image, sizeBytes: made.sizeBytes };
        }),
      () => this.unmake(run),
    );
  }

  /** Takes back what a making that ended early has left. */
  async unmake(run: Pick<TaskRun, 'spec' | 'phase'>): Promise<void> {
    const doc = await this.get(run);
    // One that is made was the last thing it did: it stays.
    if (doc === undefined || !doc.spec.making) return;
    if (run.phase !== '') await removeImage(this.#ceph, imageOf(doc.spec), { timeoutMs: removeTimeoutMs });
    await this.forget(run);
  }
}
