/**
 * Makes a guest of a profile. The guest stands without its disks until they are made, and gets them in one commit with the
 * state that it shall have; what fails before leaves nothing. May be begun again at any moment.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  orUndo,
  PvcError,
  type Runtime,
  type TaskRun,
  writtenBy,
} from '../../../core/plugin/api.ts';
import type { VmDoc } from '../guest-control.ts';
import { poolOf, type VolumeStore, type VolumeStoreHook, volumeStores } from '../snapshot/volume-store.ts';
import { vm } from '../vm-kind.ts';
import { type CreateInput, createInput } from './create-input.ts';
import { provisionError } from './provision-errors.ts';
import { seedFiles } from './seed.ts';
import { makeSeedDisk, seedDirectory } from './seed-disk.ts';
import { userdata as userdataKind } from './userdata.ts';

type Run = Pick<TaskRun, 'spec' | 'phase'>;

/** Somebody else may change the guest in the same moment: priority, tags. */
const writeTries = 5;

/** How much of the time each stage takes, for progress. */
const shares = { clone: 0.1, seed: 0.7, define: 0.95 } as const;

export function createTask(runtime: Runtime, hook: VolumeStoreHook): AnyTaskDefinition {
  const { documents, host, directories } = runtime;

  const guestOf = ({ spec }: Run): Promise<VmDoc | undefined> => documents.get(vm, spec.target.id);

  const hasDisks = ({ spec }: VmDoc, { disks }: CreateInput): boolean =>
    disks.every(({ target, source }) =>
      spec.disks.some((one) => one.target === target && JSON.stringify(one.source) === JSON.stringify(source)),
    );

  /** @throws PvcError PROVISION_UNFIT when its storage is gone */
  async function storeFor({ profile }: CreateInput, volume: string): Promise<VolumeStore> {
    for (const store of await volumeStores(hook)) if (await store.hasPool(poolOf(volume))) return store;
    throw provisionError('PROVISION_UNFIT', { profile, reason: `there is no pool ${poolOf(volume)} any more` });
  }

  const volumesOf = ({ volumes, seed }: CreateInput): readonly { readonly id: string; readonly volume: string }[] => [
    ...volumes,
    seed,
  ];

  /** @throws PvcError PROVISION_UNFIT, SEED_FAILED */
  async function seedDisk(run: TaskRun, doc: VmDoc, input: CreateInput): Promise<Uint8Array> {
    const document = input.userdata === null ? undefined : await documents.get(userdataKind, input.userdata);
    if (input.userdata !== null && document === undefined)
      throw provisionError('PROVISION_UNFIT', {
        profile: input.profile,
        reason: `its userdata ${input.userdata} was removed meanwhile`,
      });
    const files = seedFiles({
      ...{ uuid: doc.id, name: doc.spec.name, sshKeys: input.sshKeys, fresh: input.volumes },
      macs: doc.spec.nics.map(({ mac }) => mac),
      userdata: document?.spec.document,
    });
    return makeSeedDisk(host, `${seedDirectory(directories.run)}/${run.id}`, files, run.signal);
  }

  /** The guest gets its disks, the volumes become its own, and it may run. */
  async function finish(run: TaskRun, input: CreateInput): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const made = [];
      for (const { id, volume } of volumesOf(input)) made.push(await (await storeFor(input, volume)).made(id));
      const before = await documents.need(vm, run.spec.target.id);
      const others = before.spec.disks.filter(({ target }) => !input.disks.some((one) => one.target === target));
      const { disks, run: intent, autostart } = input;
      const spec = { ...before.spec, disks: [...disks, ...others], run: intent, autostart };
      try {
        return await runtime.write(
          [...made.filter((write) => write !== undefined), { do: 'spec', kind: vm, before, spec }],
          writtenBy(run),
        );
      } catch (error) {
        if (tries === writeTries || !(error instanceof PvcError) || error.code !== 'OBJECT_CHANGED') throw error;
      }
    }
  }

  async function create(run: TaskRun): Promise<unknown> {
    const input = createInput.parse(run.spec.input);
    const { name } = input;
    const doc = await guestOf(run);
    if (doc === undefined) throw provisionError('PROVISION_UNDONE', { vm: name });
    if (hasDisks(doc, input)) return { vm: name };
    const again = run.phase !== '';
    if (!again) {
      for (const { id, volume } of volumesOf(input)) await (await storeFor(input, volume)).needFree(id);
      await run.advance('fill', { message: 'makes the disks' });
    }
    for (const [at, { id, volume, from }] of input.volumes.entries()) {
      run.progress(shares.clone + ((shares.seed - shares.clone) * at) / input.volumes.length, `makes ${volume}`);
      const origin = from === null ? ({ from: 'nothing' } as const) : ({ from: 'snapshot', ...from } as const);
      await (await storeFor(input, volume)).makeFrom(id, origin, { again, signal: run.signal });
    }
    run.progress(shares.seed, `makes ${input.seed.volume}`);
    const bytes = await seedDisk(run, doc, input);
    const store = await storeFor(input, input.seed.volume);
    await store.makeFrom(input.seed.id, { from: 'bytes', bytes }, { again, signal: run.signal });
    run.progress(shares.define, `gives ${name} its disks`);
    await finish(run, input);
    return { vm: name };
  }

  async function takeBack(run: Run): Promise<void> {
    const input = createInput.parse(run.spec.input);
    const doc = await guestOf(run);
    // What has its disks is made, and they are no plan any more.
    if (doc !== undefined && hasDisks(doc, input)) return;
    for (const { id, volume } of volumesOf(input)) await (await storeFor(input, volume)).unmake(id, run.phase !== '');
    if (doc !== undefined) await runtime.write([{ do: 'remove', kind: vm, before: doc }], writtenBy(run));
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
