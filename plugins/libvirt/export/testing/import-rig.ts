/**
 * A node in memory that imports a guest, with a storage whose volumes are texts. Its daemon can be killed before and after
 * everything that outlives it, and lives again with what was written down.
 * @module
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createVirtualHost } from '../../../../core/host/virtual-host.ts';
import { defineKind, type Runtime, type TaskRun, z } from '../../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../../core/store/documents.ts';
import { MemoryCluster } from '../../../../core/store/memory.ts';
import { MortalLife } from '../../snapshot/testing/mortal-life.ts';
import { hookWith, plainStore } from '../../snapshot/testing/plain-store.ts';
import type { VolumeStore } from '../../snapshot/volume-store.ts';
import { vm } from '../../vm-kind.ts';
import { importOf } from '../import-plan.ts';
import { importTask } from '../import-task.ts';
import type { importInput } from '../task-inputs.ts';
import { guestUuid, sampleSet } from './sample-set.ts';

const volume = defineKind<{ name: string; making: boolean }, null>({
  name: 'volume',
  plural: 'volumes',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ name: z.string(), making: z.boolean() }),
  status: z.null(),
});

const contents = { '/backup/full': 'all of ', '/backup/later': 'what is new of ' };
const planned = { vda: 'vms/a', vdb: 'fast/b' };

export class ImportRig {
  readonly host = createVirtualHost();
  readonly documents = new Documents(new MemoryCluster({ clock: this.host.clock }).open('hv1'));
  /** What the images hold. */
  readonly images = new Map<string, string>();
  phase = '';
  data: unknown;
  /** Of the life that ran last. */
  error = '';
  /** How many moments there were in which the daemon could have been killed, in the life that ran last. */
  moments = 0;
  #input: z.input<typeof importInput> | undefined;

  /** Writes the files and what the plan of the import writes. */
  static async create(): Promise<ImportRig> {
    const rig = new ImportRig();
    const { files } = rig.host;
    const sha = (text: string): string => createHash('sha256').update(text).digest('hex');
    const directories = Object.entries(contents);
    for (const [directory, text] of directories) {
      await files.makeDirectory(directory);
      for (const target of Object.keys(planned)) await files.writeAtomic(`${directory}/${target}.copy`, text + target);
    }
    const { defined, disks } = importOf([sampleSet('1', null)], { name: undefined, pool: undefined, beside: false });
    const { topology: _none, ...fields } = defined.fields;
    const { run, autostart, ...meta } = sampleSet('1', null).manifest.guest.meta;
    const nics = fields.nics.map((nic) => ({ ...nic, mac: nic.mac ?? '' }));
    const spec = { ...fields, nics, ...meta, run: 'stopped' as const, autostart: false, node: 'hv1' };
    await rig.#write([
      { do: 'create', kind: vm, id: guestUuid, spec },
      ...Object.entries(planned).map(
        ([id, name]): Write => ({ do: 'create', kind: volume, id, spec: { name, making: true } }),
      ),
    ]);
    rig.#input = {
      name: 'web1',
      volumes: Object.entries(planned).map(([target, name]) => ({
        ...{ id: target, target, volume: name, form: 'text-1' },
        copies: directories.map(([directory, text], at) => ({
          ...{ directory, file: `${target}.copy`, bytes: Buffer.byteLength(text + target), sha256: sha(text + target) },
          ...{ snapshot: directory, since: at === 0 ? null : '/backup/full', sizeBytes: 512 },
        })),
      })),
      disks: [...disks],
      run,
      autostart,
    };
    return rig;
  }

  /** Everything that could be left over. */
  async state(): Promise<unknown> {
    const guests = (await this.documents.list(vm)).map(({ spec: { run, autostart, disks } }) => ({
      ...{ run, autostart },
      disks: disks.map(({ target, source }) => `${target} ${Object.values(source).join(' ')}`),
    }));
    const volumes = (await this.documents.list(volume)).map(({ spec }) => `${spec.name} ${spec.making}`);
    return { guests, volumes: volumes.toSorted(), images: Object.fromEntries([...this.images].toSorted()) };
  }

  /** One life of the daemon. @param cut the moment in which it is killed @returns how it ended */
  live(cut?: number): Promise<'done' | 'failed' | 'killed'> {
    return this.#life(cut, (task, run) => task.run(run));
  }

  /** A life that learns that the task was cancelled. */
  giveUp(cut?: number): Promise<'done' | 'failed' | 'killed'> {
    return this.#life(cut, async (task, run) => task.abandoned?.(run, 'cancelled'));
  }

  async #life(
    cut: number | undefined,
    act: (task: ReturnType<typeof importTask>, run: TaskRun) => Promise<unknown>,
  ): Promise<'done' | 'failed' | 'killed'> {
    const life = new MortalLife(cut);
    const { lasting, signal } = life;
    const write = (writes: readonly Write[]) => lasting(() => this.#write(writes));
    const runtime = { host: this.host, documents: this.documents, node: 'hv1', write } as unknown as Runtime;
    const store = this.#store(lasting, write);
    const hook = hookWith(store);
    const rig = this;
    const run = {
      ...{
        id: 'task',
        resumed: false,
        signal,
        log: this.host.log,
        leftMs: 1e9,
        progress: () => undefined,
      },
      spec: { target: { kind: 'vm', id: guestUuid, label: 'web1' }, node: 'hv1', input: this.#input },
      advance: (phase: string, { data }: { data?: unknown } = {}) =>
        lasting(async () => {
          this.phase = phase;
          this.data = data ?? this.data;
        }),
      get phase() {
        return rig.phase;
      },
      get data() {
        return rig.data;
      },
    } as unknown as TaskRun;
    try {
      await act(importTask(runtime, hook), run);
      return 'done';
    } catch (error) {
      this.error = String(error);
      return signal.aborted ? 'killed' : 'failed';
    } finally {
      this.moments = life.moments;
    }
  }

  #store(
    lasting: <T>(work: () => Promise<T>) => Promise<T>,
    write: (writes: readonly Write[]) => Promise<void>,
  ): VolumeStore {
    const { images, documents } = this;
    return {
      ...plainStore,
      form: 'text-1',
      hasPool: async () => true,
      headProblem: (bytes: Uint8Array) => (/^(?:all|what)/.test(String(Buffer.from(bytes))) ? undefined : 'no words'),
      needFree: async (id: string) => assert.ok(!images.has(id)),
      async make(id: string, copies: Parameters<VolumeStore['make']>[1]) {
        await lasting(async () => images.set(id, ''));
        for (const copy of copies)
          for await (const piece of copy.open())
            await lasting(async () => images.set(id, `${images.get(id)}${Buffer.from(piece).toString()}, `));
      },
      async made(id: string) {
        const before = await documents.need(volume, id);
        return { do: 'spec' as const, kind: volume, before, spec: { ...before.spec, making: false } };
      },
      async unmake(id: string, begun: boolean) {
        const before = await documents.get(volume, id);
        if (before === undefined || !before.spec.making) return;
        if (begun) await lasting(async () => images.delete(id));
        await write([{ do: 'remove', kind: volume, before }]);
      },
    };
  }

  async #write(writes: readonly Write[]): Promise<void> {
    const { ops, topics } = this.documents.commitOf(writes);
    assert.equal((await this.documents.store.commit(ops, topics)).outcome, 'ok');
  }
}
