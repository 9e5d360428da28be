import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { image } from './image-kind.ts';
import { provisionKinds } from './provision-plugin.ts';
import { GiB, ProvisionRig } from './testing/provision-rig.ts';
import { userdata } from './userdata.ts';

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
    const rig = await ProvisionRig.furnished();
    const users = async (name: string, input: object) => ((await rig.ask(name, input)) as { usedBy: string[] }).usedBy;
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
      const rig = await ProvisionRig.furnished();
      const { documents } = rig;
      const before = (await documents.list(image)).map(({ spec }) => spec);
      await refusal(rig.ask(operation, input), 'OBJECT_IN_USE', says);
      assert.deepEqual(
        (await documents.list(image)).map(({ spec }) => spec),
        before,
      );
    });

  it('is removed once nothing uses it, from the profile down', async () => {
    const rig = await ProvisionRig.furnished();
    const { documents } = rig;
    await rig.ask('profile.remove', { profile: 'web' });
    await rig.ask('system-template.remove', { template: 'small' });
    await rig.ask('network-template.remove', { template: 'office' });
    await rig.ask('storage-template.remove', { template: 'root' });
    await rig.ask('userdata.remove', { userdata: 'web' });
    await rig.ask('image.remove', { image: 'debian12' });
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
      const rig = await ProvisionRig.furnished();
      await refusal(rig.ask(operation, input), code, says);
    });

  it('is not made of an image that is not ready', async () => {
    const rig = await ProvisionRig.create();
    await rig.ask('image.add', { image: 'debian12', volume: 'vms/debian12' });
    const adding = rig.ask('storage-template.add', { template: 'x', disk: [{ pool: 'vms', image: 'debian12' }] });
    await refusal(adding, 'IMAGE_BUSY', /being made/);
  });

  it('is changed in what is told, and in nothing else', async () => {
    const rig = await ProvisionRig.furnished();
    await rig.ask('system-template.modify', { template: 'small', memory: 768, autostart: true });
    const row = await rig.ask('system-template.info', { template: 'small' });
    assert.deepEqual(row, {
      ...{ name: 'small', description: '', vcpus: 1, memoryMiB: 768, limit: ['hv1'], autostart: true },
      usedBy: ['profile web'],
    });
    await rig.ask('profile.modify', { profile: 'web', userdata: null, network: null });
    assert.deepEqual(await rig.ask('profile.info', { profile: 'web' }), {
      ...{ name: 'web', description: '', system: 'small', storage: 'root', network: null, userdata: null, sshKeys: [] },
      ...{ seed: 'disk', script: null, arguments: {} },
    });
    await rig.ask('userdata.remove', { userdata: 'web' });
    await rig.ask('network-template.remove', { template: 'office' });
  });

  it('keeps the words of userdata from records and lists', async () => {
    const rig = await ProvisionRig.furnished();
    const { documents } = rig;
    const text = '#cloud-config\npassword: hush-hush\n';
    await rig.ask('userdata.modify', { userdata: 'web', document: text });
    assert.equal((await documents.need(userdata, 'web')).spec.document, text);
    const entries = await documents.store.list('/audit');
    assert.ok(entries.length > 3);
    assert.doesNotMatch(JSON.stringify(entries), /hush-hush/);
    assert.doesNotMatch(JSON.stringify(await rig.ask('userdata.list', {})), /hush-hush/);
  });
});
