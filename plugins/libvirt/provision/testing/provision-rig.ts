/**
 * A cluster in memory that makes guests of profiles and of OVF packages, with a storage whose volumes are texts. Its daemon can be killed before
 * and after everything that outlives it, and lives again with what was written down.
 * @module
 */
import assert from 'node:assert/strict';
import { createVirtualHost } from '../../../../core/host/virtual-host.ts';
import { node } from '../../../../core/model/node-kind.ts';
import { Executor, type MutationAnswer } from '../../../../core/operation/execute.ts';
import { OperationRegistry } from '../../../../core/operation/registry.ts';
import { type AnyKind, defineKind, type Runtime, type TaskRun, z } from '../../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../../core/store/documents.ts';
import { MemoryCluster } from '../../../../core/store/memory.ts';
import { task } from '../../../../core/task/task-kind.ts';
import { nodeStatus } from '../../../../test/fixtures/node-status.ts';
import { booking } from '../../booking.ts';
import { ovaOperations, ovaShelf } from '../../ova/import-operations.ts';
import { ovaTask } from '../../ova/import-task.ts';
import { vmRule } from '../../rule/rule-kind.ts';
import type { VmSpec } from '../../schema.ts';
import { Shelf } from '../../shelf.ts';
import { MortalLife } from '../../snapshot/testing/mortal-life.ts';
import { hookWith, plainStore } from '../../snapshot/testing/plain-store.ts';
import type { Origin, VolumeStore, VolumeStoreHook } from '../../snapshot/volume-store.ts';
import { vm } from '../../vm-kind.ts';
import { createTask } from '../create-task.ts';
import { guestSeed } from '../guest-seed.ts';
import { imageShelf } from '../image-import.ts';
import { imageImportTask } from '../image-import-task.ts';
import { image } from '../image-kind.ts';
import { imageTasks } from '../image-task.ts';
import { provisionKinds, provisionOperations } from '../provision-plugin.ts';
import type { Build, RunBuild } from '../script/build.ts';

interface TestVolume {
  readonly name: string;
  readonly making: boolean;
}
const volume = defineKind<TestVolume, null>({
  name: 'volume',
  plural: 'volumes',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ name: z.string(), making: z.boolean() }),
  status: z.null(),
  unique: ({ name, making }) => ({ name: making ? [] : [name], image: [name] }),
});
const network = defineKind<{ name: string }, null>({
  name: 'network',
  plural: 'networks',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ name: z.string() }),
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
});
const kinds: readonly AnyKind[] = [node, task, volume, network, vm, booking, vmRule, ...provisionKinds];
const actor = { name: 'root', role: 'admin', via: 'socket' } as const;
export const GiB = 2 ** 30;

/** All that one life can outlive: each is two moments in which it can be killed. */
type Lasting = MortalLife['lasting'];
const always: Lasting = (act) => act();

export class ProvisionRig {
  readonly host = createVirtualHost();
  readonly documents = new Documents(new MemoryCluster({ clock: this.host.clock }).open('hv1'));
  /** What the images hold. */
  readonly images = new Map<string, string>();
  /** POOL/NAME@SNAPSHOT of each. */
  readonly snapshots = new Set<string>();
  /** Volumes that others are clones of. */
  readonly cloned = new Set<string>();
  /** Volumes whose making the storage refuses. */
  readonly broken = new Set<string>();
  /** What the build script says when it fails; undefined: it succeeds. */
  scriptFailure: string | undefined;
  /** What build scripts were told. */
  readonly builds: Build[] = [];
  /** Of the life that ran last. */
  readonly told: string[] = [];
  /** What disk images in files are, as guests see them. */
  fileBytes = 3 * GiB;
  /** Of the life that ran last. */
  error = '';
  moments = 0;
  readonly #phases = new Map<string, string>();
  readonly #registry = new OperationRegistry();
  readonly #executor: Executor;

  private constructor() {
    const { host, documents } = this;
    this.#executor = new Executor({
      ...{ host, documents, localNode: 'hv1', admit: async () => undefined },
      kinds,
    });
    const runtime = {
      ...{ host, documents, node: 'hv1', directories: { state: '/var/lib/pvc' } },
      signal: new AbortController().signal,
      ask: (name: string, input: unknown) => this.ask(name, input),
      perform: (name: string, input: unknown) => this.#perform(name, input),
    } as unknown as Runtime;
    const [ovas, images] = [new Shelf(runtime, ovaShelf), new Shelf(runtime, imageShelf)];
    for (const operation of provisionOperations(() => ({ runtime, images }), this.#hook(always)))
      this.#registry.add('libvirt', operation);
    for (const operation of ovaOperations(() => ({ runtime, ovas }), this.#hook(always)))
      this.#registry.add('libvirt', operation);
    host.processes.on(['genisoimage'], (call) => ({ stdout: `disk of ${call.argv.at(-1)?.split('/').at(-1)}` }));
  }

  /** Nodes of 8 GiB each, a volume and a network. */
  static async create(nodes: readonly string[] = ['hv1']): Promise<ProvisionRig> {
    const rig = new ProvisionRig();
    await rig.#write([
      ...nodes.map(
        (id, at): Write => ({
          do: 'create',
          kind: node,
          id,
          spec: { role: 'coordinator', domainState: 'ready', address: `10.0.0.${11 + at}` },
          status: nodeStatus(id, { facts: { libvirt: { accelerator: 'tcg' } } }),
        }),
      ),
      { do: 'create', kind: volume, id: 'v1', spec: { name: 'vms/debian12', making: false } },
      { do: 'create', kind: network, id: '100', spec: { name: 'office' } },
    ]);
    const alive = nodes.map((name) => ({ op: 'create', key: `/alive/${name}`, value: '1' }) as const);
    assert.equal((await rig.documents.store.commit(alive)).outcome, 'ok');
    return rig;
  }

  /** One with an image of 2 GiB, a template of each sort, userdata and the profile `web`. */
  static async furnished(nodes?: readonly string[]): Promise<ProvisionRig> {
    const rig = await ProvisionRig.create(nodes);
    await rig.ask('image.add', { image: 'debian12', volume: 'vms/debian12', minMemory: 256 });
    await rig.imageIsMade('debian12', 2 * GiB);
    await rig.ask('system-template.add', { template: 'small', memory: 512, limit: nodes ?? ['hv1'] });
    await rig.ask('network-template.add', { template: 'office', nic: [{ network: 'office' }] });
    await rig.ask('storage-template.add', {
      template: 'root',
      disk: [
        { pool: 'vms', image: 'debian12', size: 4 * GiB },
        { pool: 'vms', size: GiB, filesystem: 'ext4', mountpoint: '/srv' },
      ],
    });
    await rig.ask('userdata.add', { userdata: 'web', document: '#cloud-config\npackages: [nginx]\n' });
    await rig.ask('profile.add', {
      ...{ profile: 'web', system: 'small', storage: 'root', network: 'office', userdata: 'web' },
    });
    return rig;
  }

  /** What the operation answers. */
  async ask(name: string, input: unknown): Promise<unknown> {
    const operation = this.#registry.get(name);
    if (operation.type === 'query') return this.#executor.query(operation, input, actor, new AbortController().signal);
    return (await this.mutate(name, input)).result;
  }

  async mutate(name: string, input: unknown): Promise<MutationAnswer> {
    const operation = this.#registry.get(name);
    return operation.type === 'mutation'
      ? this.#executor.mutate(operation, input, actor)
      : assert.fail(`${name} changes nothing`);
  }

  /** What an upload answers, of a body in pieces. */
  async upload(name: string, input: unknown, pieces: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<unknown> {
    const operation = this.#registry.get(name);
    const answer =
      operation.type === 'upload'
        ? await this.#executor.upload(operation, input, actor, pieces, {
            ...{ sizeBytes, signal: new AbortController().signal },
          })
        : assert.fail(`${name} takes nothing`);
    return answer.result;
  }

  /** Done to the end, tasks too. */
  async #perform(name: string, input: unknown): Promise<MutationAnswer> {
    const answer = await this.mutate(name, input);
    for (const id of answer.tasks) if ((await this.live(id)) !== 'done') throw new Error(this.error);
    return { ...answer, tasks: [] };
  }

  /** As the task does it in the end. */
  async imageIsMade(name: string, sizeBytes: number): Promise<void> {
    const before = await this.documents.need(image, name);
    await this.#write([{ do: 'spec', kind: image, before, spec: { ...before.spec, sizeBytes, making: false } }]);
    await this.endTasks();
  }

  /** Nobody remembers a task any more. */
  async endTasks(): Promise<void> {
    const tasks = await this.documents.list(task);
    await this.#write(tasks.map((doc): Write => ({ do: 'remove', kind: task, before: doc })));
  }

  async guests(): Promise<readonly VmSpec[]> {
    return (await this.documents.list(vm)).map(({ spec }) => spec);
  }

  /** Everything that could be left over of guests. */
  async state(): Promise<unknown> {
    const guests = (await this.documents.list(vm)).map(({ spec: { name, run, disks } }) => ({
      ...{ name, run },
      disks: disks.map(
        ({ target, source, readonly: kept }) =>
          `${target} ${Object.values(source).join(' ')}${kept ? ' read only' : ''}`,
      ),
    }));
    const volumes = (await this.documents.list(volume)).map(({ spec }) => `${spec.name} ${spec.making}`);
    const images = Object.fromEntries([...this.images].toSorted());
    const scratch = (await this.host.files.list('/run/pvc/seeds')) ?? [];
    const seeds = (await this.documents.ids(guestSeed)).length;
    return { guests, seeds, volumes: volumes.toSorted(), images, scratch };
  }

  /** Everything that could be left over of images. */
  async imageState(): Promise<unknown> {
    const { documents, images, snapshots, host } = this;
    const docs = (await documents.list(image)).map(
      ({ spec: { name, volume, making, removing, sha256 } }) =>
        `${name} of ${volume}${making ? ' making' : ''}${removing ? ' removing' : ''} ${sha256 ?? ''}`,
    );
    const volumes = (await documents.list(volume)).map(({ spec }) => `${spec.name} ${spec.making}`);
    const names = [...snapshots].map((one) => one.replace(/-[^-]*$/, ''));
    const files = (await host.files.list('/var/lib/pvc/incoming/images')) ?? [];
    return { docs, volumes: volumes.toSorted(), images: Object.fromEntries(images), snapshots: names, files };
  }

  /** One life of the daemon with a task. @param cut the moment in which it is killed @returns how it ended */
  async live(id: string, verb: 'run' | 'give up' = 'run', cut?: number): Promise<'done' | 'failed' | 'killed'> {
    const life = new MortalLife(cut);
    const { lasting, signal } = life;
    const { host, documents } = this;
    const runtime = {
      ...{ host, documents, node: 'hv1', directories: { run: '/run/pvc' } },
      write: (writes: readonly Write[]) => lasting(() => this.#write(writes)),
    } as unknown as Runtime;
    const phases = this.#phases;
    const { spec } = await documents.need(task, id);
    const run = {
      ...{ id, spec, resumed: false, signal, log: host.log, leftMs: 1e9 },
      progress: (share: number, message = '') => void this.told.push(`${Math.round(share * 100)} ${message}`),
      advance: (phase: string) => lasting(async () => void phases.set(id, phase)),
      get phase() {
        return phases.get(id) ?? '';
      },
    } as unknown as TaskRun;
    this.told.length = 0;
    const hook = this.#hook(lasting);
    const tasks = [
      createTask(runtime, hook, this.#build(lasting)),
      ...[ovaTask(runtime, hook), imageImportTask(runtime, hook)],
      ...imageTasks(runtime, hook),
    ];
    const definition = tasks.find(({ action }) => action === spec.action) ?? assert.fail(spec.action);
    try {
      await (verb === 'run' ? definition.run(run) : definition.abandoned?.(run, 'cancelled'));
      return 'done';
    } catch (error) {
      this.error = String(error);
      return signal.aborted ? 'killed' : 'failed';
    } finally {
      this.moments = life.moments;
    }
  }

  /** A script that adds its name to what the disks with a file system hold. */
  #build(lasting: Lasting): RunBuild {
    return async (_host, build, { heard }) => {
      this.builds.push(build);
      heard({ share: 0.5, message: 'half of it' });
      if (this.scriptFailure !== undefined) throw new Error(this.scriptFailure);
      for (const { volume: name, filesystem } of build.disks)
        if (filesystem !== undefined)
          await lasting(async () => this.images.set(name, `${this.images.get(name)}, by ${build.script.name}`));
    };
  }

  #hook(lasting: Lasting): VolumeStoreHook {
    return hookWith(this.#store(lasting));
  }

  #store(lasting: Lasting): VolumeStore {
    const { images, documents, broken, snapshots, cloned } = this;
    const nameOf = async (id: string): Promise<string> => (await documents.need(volume, id)).spec.name;
    const wipe = (name: string): void => {
      for (const one of [...snapshots]) if (one.startsWith(`${name}@`)) snapshots.delete(one);
      images.delete(name);
    };
    const textOf = (origin: Origin): string => {
      if (origin.from === 'bytes') return Buffer.from(origin.bytes).toString().replaceAll('\u0000', '');
      if (origin.from === 'file') return `from ${origin.path}`;
      return origin.from === 'nothing' ? 'nothing' : `as ${origin.volume}`;
    };
    return {
      ...plainStore,
      hasPool: async (pool) => pool === 'vms',
      inspect: async (_path, form = 'qcow2') => ({ sizeBytes: this.fileBytes, form }),
      has: async (name) => (await documents.find(volume, 'name', name)) !== undefined,
      snapshot: async (name, snapshot) => {
        assert.ok(images.has(name), `${name} is not there`);
        await lasting(async () => void snapshots.add(`${name}@${snapshot}`));
      },
      removeSnapshot: (name, snapshot) => lasting(async () => void snapshots.delete(`${name}@${snapshot}`)),
      async read(name, snapshot, take) {
        assert.ok(snapshots.has(`${name}@${snapshot}`), `${name} has no snapshot ${snapshot}`);
        await take(Buffer.from(images.get(name) ?? ''));
      },
      async planRemove(plan, { view }, name) {
        const doc = (await view.find(volume, 'image', name)) ?? assert.fail(`${name} is not there`);
        if (cloned.has(name)) throw new Error(`${name} has clones`);
        plan.remove(volume, doc);
      },
      async planNew(plan, context, volumes) {
        return volumes.map(({ volume: name }) => {
          const id = context.uuid();
          plan.create(volume, id, { name, making: true });
          return id;
        });
      },
      needFree: async (id) => assert.ok(!images.has(await nameOf(id)), 'somebody else has it'),
      async makeFrom(id, origin, { again }) {
        const name = await nameOf(id);
        if (again) await lasting(async () => wipe(name));
        assert.ok(!images.has(name), `${name} is there`);
        if (broken.has(name)) throw new Error(`${name} cannot be made`);
        await lasting(async () => images.set(name, textOf(origin)));
      },
      async made(id) {
        const before = await documents.need(volume, id);
        return before.spec.making
          ? { do: 'spec', kind: volume, before, spec: { ...before.spec, making: false } }
          : undefined;
      },
      unmake: async (id, begun) => {
        const before = await documents.get(volume, id);
        if (before === undefined || !before.spec.making) return;
        if (begun) await lasting(async () => wipe(before.spec.name));
        await lasting(() => this.#write([{ do: 'remove', kind: volume, before }]));
      },
    };
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const { ops, topics } = this.documents.commitOf(writes);
    assert.equal((await this.documents.store.commit(ops, topics)).outcome, 'ok');
  }
}
