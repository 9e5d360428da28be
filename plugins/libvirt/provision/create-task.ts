/**
 * Makes a guest of a profile. The guest stands without its disks until they are made, and gets them in one commit with the
 * state that it shall have; what fails before leaves nothing. May be begun again at any moment.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  orTakenBack,
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
import { AtOnce } from './script/at-once.ts';
import { buildDirectory, buildsAtOnce, type RunBuild, runBuild } from './script/build.ts';
import type { BuildPlan } from './script/build-plan.ts';
import { hostNameOf, seedFiles } from './seed.ts';
import { makeSeedDisk, seedDirectory } from './seed-disk.ts';

type Run = Pick<TaskRun, 'spec' | 'phase'>;

/** How much of the time each stage takes, for progress. */
const shares = { clone: 0.1, seed: 0.7, define: 0.95 } as const;
/** With a build script, which takes most of it. */
const sharesOfBuild = { clone: 0.02, build: 0.1, seed: 0.9, define: 0.95 } as const;

/** @param build runs a build script */
export function createTask(runtime: Runtime, hook: VolumeStoreHook, build: RunBuild = runBuild): AnyTaskDefinition {
  const { documents, host, directories } = runtime;
  const builds = new AtOnce(buildsAtOnce);

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

  /**
   * The disks are new in each run: what a script of an earlier one still writes somewhere goes to an image that is removed.
   * @throws PvcError SCRIPT_FAILED, BUILD_FAILED
   */
  async function fill(run: TaskRun, doc: VmDoc, input: CreateInput, plan: BuildPlan): Promise<void> {
    const { build: from, seed: to } = sharesOfBuild;
    const { script, profile, arguments: given } = plan;
    const { sshKeys, macs, uuid, name } = factsOf(doc, (await documents.need(guestSeed, doc.id)).spec);
    const { vcpus, memoryMiB } = doc.spec;
    const disks = await Promise.all(
      input.volumes.map(async (one) => ({
        ...{ target: one.target, filesystem: undefined, mountpoint: undefined },
        ...plan.disks.find(({ target }) => target === one.target),
        ...{ volume: one.volume, sizeBytes: one.sizeBytes },
        options: await (await withStore(input, one)).blockOptions(one.id),
      })),
    );
    let share = 0;
    run.progress(from, `runs the build script ${script.name}`);
    await build(
      host,
      {
        ...{ script, arguments: given },
        guest: { name, uuid, hostname: hostNameOf(name), profile, vcpus, memoryMiB, macs, sshKeys },
        disks: disks.map((disk) => ({
          ...disk,
          uuid: disk.filesystem === undefined ? undefined : host.random.uuid(),
        })),
      },
      {
        ...{ directory: `${buildDirectory(directories.run)}/${run.id}`, signal: run.signal },
        heard({ share: told, message }) {
          share = Math.max(share, told ?? 0);
          run.progress(from + (to - from) * share, message === '' ? script.name : `${script.name}: ${message}`);
        },
      },
    );
  }

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
    const seed = await documents.need(guestSeed, doc.id);
    const plan = seed.spec.build;
    const share = plan === undefined ? { ...shares, build: shares.seed } : sharesOfBuild;
    for (const [at, one] of input.volumes.entries()) {
      const { id, volume, from } = one;
      run.progress(share.clone + ((share.build - share.clone) * at) / input.volumes.length, `makes ${volume}`);
      const origin = from === null ? ({ from: 'nothing' } as const) : ({ from: 'snapshot', ...from } as const);
      await (await withStore(input, one)).makeFrom(id, origin, { again, signal: run.signal });
    }
    if (plan !== undefined)
      await builds.do(() => fill(run, doc, input, plan), {
        signal: run.signal,
        waits: () => run.progress(share.build, 'waits for other build scripts'),
      });
    if (input.seed !== null) {
      run.progress(share.seed, `makes ${input.seed.volume}`);
      const bytes = await seedDisk(run, doc);
      const store = await withStore(input, input.seed);
      await store.makeFrom(input.seed.id, { from: 'bytes', bytes }, { again, signal: run.signal });
    }
    run.progress(share.define, `gives ${name} its disks`);
    const { build: _, ...kept } = seed.spec;
    const built: Write[] = plan === undefined ? [] : [{ do: 'spec', kind: guestSeed, before: seed, spec: kept }];
    await giveDisks(runtime, run, volumesOf(input), input, (one) => withStore(input, one), built);
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
    ...orTakenBack(create, takeBack),
  });
}
