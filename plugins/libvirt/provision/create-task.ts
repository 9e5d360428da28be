/**
 * Makes a guest of a profile. The guest stands without its disks until they are made, and gets them in one commit with the
 * state that it shall have; what fails before leaves nothing. May be begun again at any moment.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  orUndo,
  type Runtime,
  type TaskRun,
  type Write,
} from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import { giveDisks, hasDisks, type PlannedVolume, takeBackGuest } from '../snapshot/new-disks.ts';
import { needStore, type VolumeStore, type VolumeStoreHook } from '../snapshot/volume-store.ts';
import { vm } from '../vm-kind.ts';
import { type CreateInput, createInput } from './create-input.ts';
import { factsOf, guestSeed } from './guest-seed.ts';
import { provisionError } from './provision-errors.ts';
import { seedFiles } from './seed.ts';
import { makeSeedDisk, seedDirectory } from './seed-disk.ts';

type Run = Pick<TaskRun, 'spec' | 'phase'>;

/** How much of the time each stage takes, for progress. */
const shares = { clone: 0.1, seed: 0.7, define: 0.95 } as const;

export function createTask(runtime: Runtime, hook: VolumeStoreHook): AnyTaskDefinition {
  const { documents, host, directories } = runtime;

  const guestOf = ({ spec }: Run): Promise<VmDoc | undefined> => documents.get(vm, spec.target.id);

  /** @throws PvcError PROVISION_UNFIT when its storage is gone */
  const withStore = ({ profile }: CreateInput, { volume }: { readonly volume: string }): Promise<VolumeStore> =>
    needStore(hook, { volume }, (pool) =>
      provisionError('PROVISION_UNFIT', { profile, reason: `there is no pool ${pool} any more` }),
    );

  const volumesOf = ({ volumes, seed }: CreateInput): readonly PlannedVolume[] => [
    ...volumes,
    ...(seed === null ? [] : [seed]),
  ];

  /** Whether the guest has all of its disks, that of the seed too. */
  const isMade = (doc: VmDoc, { disks }: CreateInput): boolean =>
    hasDisks(
      doc,
      disks.flatMap(({ target, source }) =>
        source.type === 'volume' ? [{ target, volume: `${source.pool}/${source.volume}` }] : [],
      ),
    );

  /** @throws PvcError SEED_FAILED */
  async function seedDisk(run: TaskRun, doc: VmDoc): Promise<Uint8Array> {
    const { spec } = await documents.need(guestSeed, doc.id);
    return makeSeedDisk(host, `${seedDirectory(directories.run)}/${run.id}`, seedFiles(factsOf(doc, spec)), run.signal);
  }

  async function create(run: TaskRun): Promise<unknown> {
    const input = createInput.parse(run.spec.input);
    const { name } = input;
    const doc = await guestOf(run);
    if (doc === undefined) throw provisionError('PROVISION_UNDONE', { vm: name });
    if (isMade(doc, input)) return { vm: name };
    const again = run.phase !== '';
    if (!again) {
      for (const one of volumesOf(input)) await (await withStore(input, one)).needFree(one.id);
      await run.advance('fill', { message: 'makes the disks' });
    }
    for (const [at, one] of input.volumes.entries()) {
      const { id, volume, from } = one;
      run.progress(shares.clone + ((shares.seed - shares.clone) * at) / input.volumes.length, `makes ${volume}`);
      const origin = from === null ? ({ from: 'nothing' } as const) : ({ from: 'snapshot', ...from } as const);
      await (await withStore(input, one)).makeFrom(id, origin, { again, signal: run.signal });
    }
    if (input.seed !== null) {
      run.progress(shares.seed, `makes ${input.seed.volume}`);
      const bytes = await seedDisk(run, doc);
      const store = await withStore(input, input.seed);
      await store.makeFrom(input.seed.id, { from: 'bytes', bytes }, { again, signal: run.signal });
    }
    run.progress(shares.define, `gives ${name} its disks`);
    await giveDisks(runtime, run, volumesOf(input), input, (one) => withStore(input, one));
    return { vm: name };
  }

  async function takeBack(run: Run): Promise<void> {
    const input = createInput.parse(run.spec.input);
    const doc = await guestOf(run);
    // What has its disks is made, and they are no plan any more.
    if (doc !== undefined && isMade(doc, input)) return;
    const seed = doc === undefined ? undefined : await documents.get(guestSeed, doc.id);
    const besides: Write[] = seed === undefined ? [] : [{ do: 'remove', kind: guestSeed, before: seed }];
    await takeBackGuest(runtime, run, doc, volumesOf(input), (one) => withStore(input, one), besides);
  }

  return defineTask({
    action: 'provisioner.create',
    summary: 'makes a guest of a profile',
    run: (run) =>
      orUndo(
        run,
        () => create(run),
        () => takeBack(run),
      ),
    abandoned: takeBack,
  });
}
