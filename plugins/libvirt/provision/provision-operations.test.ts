import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { node } from '../../../core/model/node-kind.ts';
import { Executor } from '../../../core/operation/execute.ts';
import { OperationRegistry } from '../../../core/operation/registry.ts';
import { defineKind, PvcError, z } from '../../../core/plugin/api.ts';
import { Documents } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { task } from '../../../core/task/task-kind.ts';
import { nodeStatus } from '../../../test/fixtures/node-status.ts';
import { image } from './image-kind.ts';
import { provisionKinds, provisionOperations } from './provision-plugin.ts';
import { userdata } from './userdata.ts';

const named = (name: string, plural: string) =>
  defineKind<{ name: string }, null>({
    ...{ name, plural, version: 1, id: z.string(), status: z.null() },
    spec: z.strictObject({ name: z.string() }),
    unique: (spec) => ({ name: [spec.name] }),
  });
const volume = named('volume', 'volumes');
const network = named('network', 'networks');
const actor = { name: 'root', role: 'admin', via: 'socket' } as const;
const GiB = 2 ** 30;

/** A cluster with one node, a volume and a network. */
async function cluster() {
  const host = createVirtualHost();
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('hv1'));
  const executor = new Executor({
    ...{ host, documents, localNode: 'hv1', admit: async () => undefined },
    kinds: [node, task, volume, network, ...provisionKinds],
  });
  const { ops, topics } = documents.commitOf([
    {
      do: 'create',
      kind: node,
      id: 'hv1',
      spec: { role: 'coordinator', domainState: 'ready', address: '10.0.0.11' },
      status: nodeStatus('hv1'),
    },
    { do: 'create', kind: volume, id: 'v1', spec: { name: 'vms/debian12' } },
    { do: 'create', kind: network, id: '100', spec: { name: 'office' } },
  ]);
  assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  const registry = new OperationRegistry();
  for (const operation of provisionOperations) registry.add('libvirt', operation);
  return {
    documents,
    async ask(name: string, input: unknown): Promise<unknown> {
      const operation = registry.get(name);
      if (operation.type === 'query') return executor.query(operation, input, actor, new AbortController().signal);
      assert.equal(operation.type, 'mutation');
      return operation.type === 'mutation' ? (await executor.mutate(operation, input, actor)).result : undefined;
    },
    /** As the task does it in the end. */
    async imageIsMade(name: string, sizeBytes: number): Promise<void> {
      const before = await documents.need(image, name);
      const running = await documents.list(task);
      const commit = documents.commitOf([
        { do: 'spec', kind: image, before, spec: { ...before.spec, sizeBytes, making: false } },
        ...running.map((doc) => ({ do: 'remove', kind: task, before: doc }) as const),
      ]);
      assert.equal((await documents.store.commit(commit.ops, commit.topics)).outcome, 'ok');
    },
  };
}

/** One with an image of 2 GiB, a template of each sort, userdata and a profile. */
async function furnished() {
  const made = await cluster();
  await made.ask('image.add', { image: 'debian12', volume: 'vms/debian12' });
  await made.imageIsMade('debian12', 2 * GiB);
  await made.ask('system-template.add', { template: 'small', memory: 512, limit: ['hv1'] });
  await made.ask('network-template.add', { template: 'office', nic: [{ network: 'office' }] });
  await made.ask('storage-template.add', { template: 'root', disk: [{ pool: 'vms', image: 'debian12' }] });
  await made.ask('userdata.add', { userdata: 'web', document: '#cloud-config\npackages: [nginx]\n' });
  await made.ask('profile.add', {
    ...{ profile: 'web', system: 'small', storage: 'root', network: 'office', userdata: 'web' },
  });
  return made;
}

const refusal = async (act: Promise<unknown>, code: string, says: RegExp): Promise<void> => {
  await assert.rejects(act, (error) => {
    assert.ok(error instanceof PvcError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match([error.message, ...error.details].join(' '), says);
    return true;
  });
};

describe('what guests are made from', () => {
  it('is told with who uses it', async () => {
    const { ask } = await furnished();
    const users = async (name: string, input: object) => ((await ask(name, input)) as { usedBy: string[] }).usedBy;
    assert.deepEqual(await users('image.info', { image: 'debian12' }), ['storage-template root']);
    for (const [operation, input] of [
      ['system-template.info', { template: 'small' }],
      ['network-template.info', { template: 'office' }],
      ['storage-template.info', { template: 'root' }],
      ['userdata.info', { userdata: 'web' }],
    ] as const)
      assert.deepEqual(await users(operation, input), ['profile web'], operation);
  });

  for (const [operation, input, says] of [
    ['image.remove', { image: 'debian12' }, /image debian12 is in use: storage-template root/],
    ['system-template.remove', { template: 'small' }, /system-template small is in use: profile web/],
    ['network-template.remove', { template: 'office' }, /network-template office is in use: profile web/],
    ['storage-template.remove', { template: 'root' }, /storage-template root is in use: profile web/],
    ['userdata.remove', { userdata: 'web' }, /userdata web is in use: profile web/],
  ] as const)
    it(`is not removed while it is in use: ${operation}`, async () => {
      const { ask, documents } = await furnished();
      const before = (await documents.list(image)).map(({ spec }) => spec);
      await refusal(ask(operation, input), 'OBJECT_IN_USE', says);
      assert.deepEqual(
        (await documents.list(image)).map(({ spec }) => spec),
        before,
      );
    });

  it('is removed once nothing uses it, from the profile down', async () => {
    const { ask, documents } = await furnished();
    await ask('profile.remove', { profile: 'web' });
    await ask('system-template.remove', { template: 'small' });
    await ask('network-template.remove', { template: 'office' });
    await ask('storage-template.remove', { template: 'root' });
    await ask('userdata.remove', { userdata: 'web' });
    await ask('image.remove', { image: 'debian12' });
    for (const kind of provisionKinds.filter(({ name }) => name !== 'image'))
      assert.deepEqual(await documents.list(kind), []);
    assert.equal((await documents.need(image, 'debian12')).spec.removing, true);
  });

  for (const [what, operation, input, code, says] of [
    [
      'a profile of no template',
      'profile.add',
      { profile: 'x', system: 'none', storage: 'root' },
      'OBJECT_NOT_FOUND',
      /no system-template none/,
    ],
    [
      'a profile of no disks',
      'profile.add',
      { profile: 'x', system: 'small', storage: 'none' },
      'OBJECT_NOT_FOUND',
      /no storage-template none/,
    ],
    [
      'a profile of no userdata',
      'profile.add',
      { profile: 'x', system: 'small', storage: 'root', userdata: 'none' },
      'OBJECT_NOT_FOUND',
      /no userdata none/,
    ],
    [
      'a profile twice',
      'profile.add',
      { profile: 'web', system: 'small', storage: 'root' },
      'OBJECT_EXISTS',
      /profile with name web/,
    ],
    [
      'a key that is private',
      'profile.add',
      { profile: 'x', system: 'small', storage: 'root', sshKey: ['-----BEGIN OPENSSH PRIVATE KEY-----'] },
      'INPUT_INVALID',
      /public key/,
    ],
    [
      'a change to nothing',
      'profile.modify',
      { profile: 'web', network: 'none' },
      'OBJECT_NOT_FOUND',
      /no network-template none/,
    ],
    ['no change', 'profile.modify', { profile: 'web', userdata: 'web' }, 'PROVISION_UNCHANGED', /profile web/],
    [
      'a machine of no node',
      'system-template.add',
      { template: 'x', limit: ['hv9'] },
      'OBJECT_NOT_FOUND',
      /no node hv9/,
    ],
    ['a machine of no memory', 'system-template.add', { template: 'x', memory: 1 }, 'INPUT_INVALID', /memory/],
    [
      'no change of a machine',
      'system-template.modify',
      { template: 'small', memory: 512 },
      'PROVISION_UNCHANGED',
      /small/,
    ],
    [
      'a card on no network',
      'network-template.add',
      { template: 'x', nic: [{ network: 'none' }] },
      'OBJECT_NOT_FOUND',
      /no network none/,
    ],
    [
      'a card on two things',
      'network-template.add',
      { template: 'x', nic: [{ network: 'office', bridge: 'br0' }] },
      'VM_DEVICE_INPUT',
      /exactly one of/,
    ],
    [
      'a limit on a bridge',
      'network-template.add',
      { template: 'x', nic: [{ bridge: 'br0', limitIn: '1mbit' }] },
      'VM_NIC_GUARD',
      /cards on a network/,
    ],
    [
      'a disk of no image',
      'storage-template.add',
      { template: 'x', disk: [{ pool: 'vms', image: 'none' }] },
      'OBJECT_NOT_FOUND',
      /no image none/,
    ],
    [
      'a disk smaller than its image',
      'storage-template.add',
      { template: 'x', disk: [{ pool: 'vms', image: 'debian12', size: GiB }] },
      'PROVISION_INPUT',
      /disk 1 has 1 GiB, and its image debian12 needs 2 GiB/,
    ],
    [
      'a disk of nothing',
      'storage-template.add',
      { template: 'x', disk: [{ pool: 'vms' }] },
      'PROVISION_INPUT',
      /disk 1 is empty and needs a size/,
    ],
    [
      'a file system on an image',
      'storage-template.add',
      { template: 'x', disk: [{ pool: 'vms', image: 'debian12', filesystem: 'ext4' }] },
      'PROVISION_INPUT',
      /no file system is made/,
    ],
    [
      'a mount of no file system',
      'storage-template.add',
      { template: 'x', disk: [{ pool: 'vms', size: GiB, mountpoint: '/srv' }] },
      'PROVISION_INPUT',
      /needs a file system/,
    ],
    [
      'two mounts at one place',
      'storage-template.add',
      { template: 'x', disk: [1, 2].map(() => ({ pool: 'vms', size: GiB, filesystem: 'ext4', mountpoint: '/srv' })) },
      'PROVISION_INPUT',
      /two disks are mounted at \/srv/,
    ],
    [
      'a mount that leads upwards',
      'storage-template.add',
      { template: 'x', disk: [{ pool: 'vms', size: GiB, filesystem: 'ext4', mountpoint: '/srv/../etc' }] },
      'INPUT_INVALID',
      /without/,
    ],
    ['no disk', 'storage-template.add', { template: 'x', disk: [] }, 'INPUT_INVALID', /disk/],
    [
      'an image of no volume',
      'image.add',
      { image: 'x', volume: 'vms/none' },
      'OBJECT_NOT_FOUND',
      /no volume vms\/none/,
    ],
    [
      'an image twice',
      'image.add',
      { image: 'debian12', volume: 'vms/debian12' },
      'OBJECT_EXISTS',
      /image with name debian12/,
    ],
    [
      'userdata of no form',
      'userdata.add',
      { userdata: 'x', document: 'packages: [nginx]' },
      'USERDATA_UNFIT',
      /userdata x cannot be taken: its first line/,
    ],
    [
      'userdata that is broken',
      'userdata.modify',
      { userdata: 'web', document: '#cloud-config\na: [\n' },
      'USERDATA_UNFIT',
      /line \d+, column/,
    ],
  ] as const)
    it(`is refused as ${what}`, async () => {
      const { ask } = await furnished();
      await refusal(ask(operation, input), code, says);
    });

  it('is not made of an image that is not ready', async () => {
    const { ask } = await cluster();
    await ask('image.add', { image: 'debian12', volume: 'vms/debian12' });
    const adding = ask('storage-template.add', { template: 'x', disk: [{ pool: 'vms', image: 'debian12' }] });
    await refusal(adding, 'IMAGE_BUSY', /being made/);
  });

  it('is changed in what is told, and in nothing else', async () => {
    const { ask } = await furnished();
    await ask('system-template.modify', { template: 'small', memory: 768, autostart: true });
    const row = await ask('system-template.info', { template: 'small' });
    assert.deepEqual(row, {
      ...{ name: 'small', description: '', vcpus: 1, memoryMiB: 768, limit: ['hv1'], autostart: true },
      usedBy: ['profile web'],
    });
    await ask('profile.modify', { profile: 'web', userdata: null, network: null });
    assert.deepEqual(await ask('profile.info', { profile: 'web' }), {
      ...{ name: 'web', description: '', system: 'small', storage: 'root', network: null, userdata: null, sshKeys: [] },
    });
    await ask('userdata.remove', { userdata: 'web' });
    await ask('network-template.remove', { template: 'office' });
  });

  it('keeps the words of userdata from records and lists', async () => {
    const { ask, documents } = await furnished();
    const text = '#cloud-config\npassword: hush-hush\n';
    await ask('userdata.modify', { userdata: 'web', document: text });
    assert.equal((await documents.need(userdata, 'web')).spec.document, text);
    const entries = await documents.store.list('/audit');
    assert.ok(entries.length > 3);
    assert.doesNotMatch(JSON.stringify(entries), /hush-hush/);
    assert.doesNotMatch(JSON.stringify(await ask('userdata.list', {})), /hush-hush/);
  });
});
