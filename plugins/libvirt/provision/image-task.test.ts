import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { Runtime, TaskRun } from '../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { hookWith, plainStore } from '../snapshot/testing/plain-store.ts';
import type { VolumeStore } from '../snapshot/volume-store.ts';
import { image } from './image-kind.ts';
import { imageTasks } from './image-task.ts';

const content = 'what a guest begins with';
const sum = createHash('sha256').update(content).digest('hex');

/** A primary in memory that makes an image; its daemon can be killed before and after all that outlives it. */
async function rig({ sha256 = null as string | null, readable = content } = {}) {
  const host = createVirtualHost();
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('hv1'));
  const snapshots = new Set<string>();
  const commit = async (writes: readonly Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  await commit([
    {
      do: 'create',
      kind: image,
      id: 'debian12',
      spec: {
        ...{ name: 'debian12', description: '', volume: 'vms/a', snapshot: 'pvc-image-1', createdMs: 0, os: '' },
        ...{ minMemoryMiB: 0, sizeBytes: 0, making: true, removing: false },
      },
    },
  ]);
  const state = async () => ({
    images: (await documents.list(image)).map(({ spec }) => [spec.making, spec.sizeBytes, spec.sha256]),
    snapshots: [...snapshots],
  });
  /** One life. @param cut the moment in which it ends */
  async function live(verb: 'make' | 'give up' | 'remove', cut = Number.POSITIVE_INFINITY) {
    const over = new AbortController();
    let moments = 0;
    const lasting = async <T>(act: () => Promise<T>): Promise<T> => {
      const moment = (): void => {
        if (moments === cut) over.abort(new Error('killed'));
        moments += 1;
        over.signal.throwIfAborted();
      };
      moment();
      const done = await act();
      moment();
      return done;
    };
    const store: VolumeStore = {
      ...plainStore,
      has: async (volume) => volume === 'vms/a',
      snapshot: (volume, name) => lasting(async () => void snapshots.add(`${volume}@${name}`)),
      removeSnapshot: (volume, name) => lasting(async () => void snapshots.delete(`${volume}@${name}`)),
      describe: async () => ({ sizeBytes: content.length, bytes: 9, settings: null }),
      async read(_volume, _snapshot, take) {
        for (const part of readable.split(' ').map((word, at) => (at === 0 ? word : ` ${word}`)))
          await lasting(() => take(Buffer.from(part)));
      },
    };
    const hook = hookWith(store);
    const write = (writes: readonly Write[]) => lasting(() => commit(writes));
    const tasks = imageTasks({ host, documents, node: 'hv1', write } as unknown as Runtime, hook);
    const one = tasks.find(({ action }) => action === (verb === 'remove' ? 'image.remove' : 'image.make'));
    const run = {
      ...{ id: 'task', resumed: false, signal: over.signal, log: host.log, leftMs: 1e9, phase: '', data: undefined },
      progress: () => undefined,
      advance: async () => undefined,
      spec: {
        target: { kind: 'image', id: 'debian12', label: 'debian12' },
        input: verb === 'remove' ? null : { sha256 },
      },
    } as unknown as TaskRun;
    try {
      await (verb === 'give up' ? one?.abandoned?.(run, 'cancelled') : one?.run(run));
      return { end: 'done', moments, error: '' };
    } catch (error) {
      return { end: over.signal.aborted ? 'killed' : 'failed', moments, error: String(error) };
    }
  }
  return { live, state };
}

const whole = { images: [[false, content.length, sum]], snapshots: ['vms/a@pvc-image-1'] };
const nothing = { images: [], snapshots: [] };

describe('an image', () => {
  it('is what its volume held, with its checksum', async () => {
    for (const sha256 of [null, sum]) {
      const { live, state } = await rig({ sha256 });
      assert.deepEqual(await live('make').then(({ end, error }) => [end, error]), ['done', '']);
      assert.deepEqual(await state(), whole);
    }
  });

  it('may be cut off in any moment, and is then made or taken back', async () => {
    const { moments } = await (await rig()).live('make');
    assert.ok(moments > 8, `${moments} moments`);
    for (let cut = 0; cut < moments; cut += 1) {
      const again = await rig();
      assert.equal((await again.live('make', cut)).end, 'killed');
      assert.equal((await again.live('make')).end, 'done', `moment ${cut}`);
      assert.deepEqual(await again.state(), whole, `moment ${cut}`);
      const left = await rig();
      await left.live('make', cut);
      assert.equal((await left.live('give up')).end, 'done');
      // In the last moment it was made, though nobody could be told.
      assert.deepEqual(await left.state(), cut === moments - 1 ? whole : nothing, `moment ${cut}`);
    }
  });

  for (const [what, options, says] of [
    ['of another checksum than was told', { sha256: '0'.repeat(64) }, /its SHA-256 is .* should be 0000/],
    ['of which not all can be read', { readable: 'what a guest' }, /could be read/],
  ] as const)
    it(`${what} leaves nothing`, async () => {
      const { live, state } = await rig(options);
      const { end, error } = await live('make');
      assert.equal(end, 'failed');
      assert.match(error, says);
      assert.deepEqual(await state(), nothing);
    });

  it('is removed with its snapshot, also when that is cut off', async () => {
    for (const cut of [0, 1, 2, 3]) {
      const { live, state } = await rig();
      await live('make');
      assert.equal((await live('remove', cut)).end, 'killed');
      assert.equal((await live('remove')).end, 'done');
      assert.deepEqual(await state(), nothing, `moment ${cut}`);
    }
  });
});
