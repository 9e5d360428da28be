/**
 * A guest that stands without its disks while a task makes them: it gets them in one commit with the state that it shall
 * have, so that none starts with half of its disks, and what fails before leaves nothing.
 * @module
 */
import { PvcError, type Runtime, type TaskRun, type Write, writtenBy } from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import type { Disk, VmSpec } from '../schema.ts';
import { vm } from '../vm-kind.ts';
import type { VolumeStore } from './volume-store.ts';

/** Somebody else may change the guest in the same moment: priority, tags. */
const writeTries = 5;

/** A volume that the plan of the task has made a document for. */
export interface PlannedVolume {
  readonly id: string;
  readonly volume: string;
}

/** What the guest gets in the end. */
export interface GuestInTheEnd {
  readonly disks: readonly Disk[];
  readonly run: VmSpec['run'];
  readonly autostart: boolean;
}

type Parts = Pick<Runtime, 'documents' | 'write'>;
type StoreOf<V> = (volume: V) => Promise<VolumeStore>;

/** Whether the volumes are the guest's disks. */
export const hasDisks = (
  { spec }: VmDoc,
  volumes: readonly { readonly target: string; readonly volume: string }[],
): boolean =>
  volumes.every(({ target, volume }) =>
    spec.disks.some(
      ({ source, ...one }) =>
        one.target === target && source.type === 'volume' && `${source.pool}/${source.volume}` === volume,
    ),
  );

/**
 * The guest gets its disks, the volumes become its own, and it may run.
 * @param besides what is written in the same moment
 * @throws PvcError OBJECT_CHANGED again and again
 */
export async function giveDisks<V extends PlannedVolume>(
  { documents, write }: Parts,
  run: TaskRun,
  volumes: readonly V[],
  { disks, run: intent, autostart }: GuestInTheEnd,
  storeOf: StoreOf<V>,
  besides: readonly Write[] = [],
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const made = await Promise.all(volumes.map(async (one) => (await storeOf(one)).made(one.id)));
    const before = await documents.need(vm, run.spec.target.id);
    const others = before.spec.disks.filter(({ target }) => !disks.some((one) => one.target === target));
    const spec = { ...before.spec, disks: [...disks, ...others], run: intent, autostart };
    try {
      return await write(
        [...made.filter((one) => one !== undefined), { do: 'spec', kind: vm, before, spec }, ...besides],
        writtenBy(run),
      );
    } catch (error) {
      if (tries === writeTries || !(error instanceof PvcError) || error.code !== 'OBJECT_CHANGED') throw error;
    }
  }
}

/** Takes the volumes back, and the guest. @param doc undefined: it is gone already @param besides what goes with the guest */
export async function takeBackGuest<V extends PlannedVolume>(
  { write }: Pick<Parts, 'write'>,
  run: Pick<TaskRun, 'spec' | 'phase'>,
  doc: VmDoc | undefined,
  volumes: readonly V[],
  storeOf: StoreOf<V>,
  besides: readonly Write[] = [],
): Promise<void> {
  for (const one of volumes) await (await storeOf(one)).unmake(one.id, run.phase !== '');
  if (doc !== undefined) await write([{ do: 'remove', kind: vm, before: doc }, ...besides], writtenBy(run));
}
