import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { node } from '../../../core/model/node-kind.ts';
import { Executor } from '../../../core/operation/execute.ts';
import type { Mutation } from '../../../core/operation/operation.ts';
import { type AnyKind, defineKind, z } from '../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { task } from '../../../core/task/task-kind.ts';
import { withCode } from '../../../test/fixtures/expect.ts';
import { fromFlags } from '../domain/create.ts';
import { vmRule } from '../rule/rule-kind.ts';
import { vmSpec } from '../schema.ts';
import { vmSnapshot } from '../snapshot/snapshot-kind.ts';
import { hookWith, plainStore } from '../snapshot/testing/plain-store.ts';
import type { VolumeStore } from '../snapshot/volume-store.ts';
import { vm } from '../vm-kind.ts';
import { endOperations } from './end.ts';

const volume = defineKind<{ name: string }, null>({
  name: 'volume',
  plural: 'volumes',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ name: z.string() }),
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
});
const kinds: readonly AnyKind[] = [node, task, vm, vmRule, vmSnapshot, volume];
const actor = { name: 'root', role: 'admin', via: 'socket' } as const;

/** Guests with the volumes vms/NAME-a and vms/NAME-b, a CD that both have in a drive, and a file; a storage for the volumes. */
async function setUp() {
  const host = createVirtualHost();
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('hv1'));
  const store: VolumeStore = {
    ...plainStore,
    has: async (name) => name.startsWith('vms/'),
    async planRemove(plan, { view }, name) {
      const doc = await view.find(volume, 'name', name);
      if (doc !== undefined) plan.remove(volume, doc);
    },
  };
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined, kinds });
  const operations = endOperations(hookWith(store));
  const call = async (name: string, input: object) =>
    executor.mutate(
      (operations.find((one) => one.name === name) ?? assert.fail(name)) as unknown as Mutation,
      input,
      actor,
    );
  const guest = (name: string, more: object = {}): Write => {
    const disks = [
      ...['a', 'b'].map((end) => ({ source: { type: 'volume' as const, pool: 'vms', volume: `${name}-${end}` } })),
      { source: { type: 'file' as const, path: `/srv/${name}.img` } },
    ];
    const { fields } = fromFlags({ name, vcpus: 1, memoryMiB: 256, disks, graphics: 'none', guestAgent: false });
    const cd = {
      target: 'sda',
      device: 'cdrom',
      readonly: true,
      source: { type: 'volume', pool: 'vms', volume: 'cd' },
    };
    const spec = vmSpec.parse({ ...fields, disks: [...fields.disks, cd], run: 'stopped', node: 'hv1', ...more });
    return { do: 'create', kind: vm, id: `00000000-0000-4000-8000-00000000000${name.length}`, spec };
  };
  const write = async (...writes: Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  const names = ['web-a', 'web-b', 'shop-a', 'shop-b', 'cd'].map((name) => `vms/${name}`);
  await write(...names.map((name): Write => ({ do: 'create', kind: volume, id: name.slice(4), spec: { name } })));
  const left = async () => ({
    guests: (await documents.list(vm)).map(({ spec }) => spec.name).toSorted(),
    volumes: (await documents.list(volume)).map(({ id }) => id).toSorted(),
  });
  return { call, guest, write, left };
}

const all = ['cd', 'shop-a', 'shop-b', 'web-a', 'web-b'];

describe('the end of a guest', () => {
  it('takes its volumes, and nothing that is not its own', async () => {
    const { call, guest, write, left } = await setUp();
    await write(guest('web'), guest('shop'));
    const { warnings } = await call('vm.remove', { vm: 'web' });
    assert.deepEqual(await left(), { guests: ['shop'], volumes: ['cd', 'shop-a', 'shop-b'] });
    assert.deepEqual(
      warnings.map((text) => /the disk (\w+)/.exec(text)?.[1]),
      ['vdc', 'sda'],
    );
  });

  it('leaves the volume that is to be kept', async () => {
    const { call, guest, write, left } = await setUp();
    await write(guest('web'));
    await call('vm.remove', { vm: 'web', keep: ['vdb'] });
    assert.deepEqual(await left(), { guests: [], volumes: ['cd', 'shop-a', 'shop-b', 'web-b'] });
  });

  it('leaves all of them when it is only forgotten', async () => {
    const { call, guest, write, left } = await setUp();
    await write(guest('web'));
    const { warnings } = await call('vm.undefine', { vm: 'web' });
    assert.deepEqual([(await left()).volumes, warnings.length], [all, 4]);
  });

  for (const [what, input, more, code] of [
    ['that runs', { vm: 'web' }, { run: 'running' }, 'VM_RUNNING'],
    ['that is protected', { vm: 'web' }, { protected: true }, 'VM_PROTECTED'],
    ['with a protected tag', { vm: 'web' }, { tags: [{ name: 'gold', protected: true }] }, 'VM_PROTECTED'],
    ['that is not there', { vm: 'other' }, {}, 'VM_NOT_FOUND'],
    ['without the disk that is to be kept', { vm: 'web', keep: ['vdx'] }, {}, 'VM_DEVICE_NOT_FOUND'],
    ['with a disk that is none', { vm: 'web', keep: ['../etc'] }, {}, 'INPUT_INVALID'],
  ] as const)
    it(`is refused, and changes nothing, of one ${what}`, async () => {
      const { call, guest, write, left } = await setUp();
      await write(guest('web', more));
      await assert.rejects(call('vm.remove', input), withCode(code));
      assert.deepEqual(await left(), { guests: ['web'], volumes: all });
    });

  it('is refused when another guest has one of its volumes', async () => {
    const { call, guest, write, left } = await setUp();
    const shared = { source: { type: 'volume', pool: 'vms', volume: 'web-a' }, target: 'vda', readonly: true };
    await write(guest('web'), guest('shop', { disks: [shared] }));
    await assert.rejects(call('vm.remove', { vm: 'web' }), withCode('OBJECT_IN_USE'));
    assert.deepEqual((await left()).volumes, all);
    await call('vm.remove', { vm: 'web', keep: ['vda'] });
    assert.deepEqual(
      (await left()).volumes,
      all.filter((name) => name !== 'web-b'),
    );
  });
});
