import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../../core/plugin/api.ts';
import { vm } from '../vm-kind.ts';
import { guestSeed } from './guest-seed.ts';
import { seedSerial } from './metadata/addresses.ts';
import { GiB, ProvisionRig } from './testing/provision-rig.ts';

const bare = { guests: [], seeds: 0, volumes: ['vms/debian12 false'], images: {}, scratch: [] };
const guest = (name: string) => ({
  ...{ name, run: 'running' },
  disks: [`vda volume vms ${name}-disk1`, `vdb volume vms ${name}-disk2`, `vdc volume vms ${name}-seed read only`],
});
const whole = (id: string) => ({
  guests: [guest('web')],
  seeds: 1,
  volumes: ['vms/debian12 false', 'vms/web-disk1 false', 'vms/web-disk2 false', 'vms/web-seed false'],
  images: { 'vms/web-disk1': 'as vms/debian12', 'vms/web-disk2': 'nothing', 'vms/web-seed': `disk of ${id}` },
  scratch: [],
});

async function begun(): Promise<{ rig: ProvisionRig; id: string }> {
  const rig = await ProvisionRig.furnished();
  const { tasks } = await rig.mutate('provisioner.create', { name: 'web', profile: 'web' });
  return { rig, id: tasks[0] ?? assert.fail('no task') };
}

const refusal = async (act: Promise<unknown>, code: string, says: RegExp): Promise<void> =>
  assert.rejects(act, (error) => {
    assert.ok(error instanceof PvcError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match([error.message, ...error.details].join(' '), says);
    return true;
  });

describe('a guest of a profile', () => {
  it('gets its disks and its state at once, and stands without them before', async () => {
    const { rig, id } = await begun();
    assert.deepEqual(
      (await rig.documents.list(vm)).map(({ spec }) => [spec.run, spec.disks]),
      [['stopped', []]],
    );
    assert.equal(await rig.live(id), 'done', rig.error);
    assert.deepEqual(await rig.state(), whole(id));
    const [{ spec } = assert.fail('none')] = await rig.documents.list(vm);
    assert.deepEqual([spec.memoryMiB, spec.vcpus, spec.limit], [512, 1, ['hv1']]);
    assert.deepEqual(
      spec.nics.map(({ source }) => source),
      [{ type: 'network', network: 'office' }],
    );
    assert.equal(await rig.live(id), 'done', 'and once more changes nothing');
    assert.deepEqual(await rig.state(), whole(id));
  });

  it('may be cut off in any moment, and ends as if nothing had been', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    assert.ok(first.rig.moments > 8, `${first.rig.moments} moments`);
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      assert.equal(await rig.live(id, 'run', cut), 'killed');
      assert.equal(await rig.live(id), 'done', `moment ${cut}: ${rig.error}`);
      assert.deepEqual(await rig.state(), whole(id), `moment ${cut}`);
    }
  });

  it('leaves nothing, or is whole, when it is cancelled in any moment, also when that is cut off', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    const ends: string[] = [];
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      await rig.live(id, 'run', cut);
      const half = await rig.live(id, 'give up', 2);
      if (half === 'killed') assert.equal(await rig.live(id, 'give up'), 'done', rig.error);
      const state = await rig.state();
      ends.push(JSON.stringify(state) === JSON.stringify(whole(id)) ? 'whole' : 'nothing');
      assert.deepEqual(state, ends.at(-1) === 'whole' ? whole(id) : bare, `moment ${cut}`);
    }
    assert.deepEqual([...new Set(ends)], ['nothing', 'whole']);
    assert.equal(ends.filter((end) => end === 'whole').length, 1, 'only what was finished is whole');
  });

  for (const broken of ['vms/web-disk1', 'vms/web-disk2', 'vms/web-seed'])
    it(`leaves nothing when ${broken} cannot be made`, async () => {
      const { rig, id } = await begun();
      rig.broken.add(broken);
      assert.equal(await rig.live(id), 'failed');
      assert.match(rig.error, /cannot be made/);
      assert.deepEqual(await rig.state(), bare);
      assert.equal(await rig.live(id), 'failed');
      assert.match(rig.error, /was taken back/);
    });

  it('leaves nothing, and what was there, when somebody else’s image has its name', async () => {
    const { rig, id } = await begun();
    rig.images.set('vms/web-disk2', 'a stranger');
    assert.equal(await rig.live(id), 'failed');
    assert.deepEqual(await rig.state(), { ...bare, images: { 'vms/web-disk2': 'a stranger' } });
  });

  it('keeps what it was made from, whatever becomes of that', async () => {
    const { rig, id } = await begun();
    await rig.ask('profile.modify', { profile: 'web', userdata: null });
    await rig.ask('userdata.remove', { userdata: 'web' });
    assert.equal(await rig.live(id), 'done', rig.error);
    assert.deepEqual(await rig.state(), whole(id));
    const [seed = assert.fail('none')] = await rig.documents.list(guestSeed);
    assert.deepEqual(seed.spec, {
      ...{ way: 'disk', userdata: '#cloud-config\npackages: [nginx]\n', sshKeys: [] },
      fresh: [{ target: 'vda' }, { target: 'vdb', filesystem: 'ext4', mountpoint: '/srv' }],
    });
  });

  it('leaves nothing of it when it fails, and the others go on', async () => {
    const rig = await ProvisionRig.furnished();
    const { tasks } = await rig.mutate('provisioner.create', { name: 'web', profile: 'web', count: 3 });
    rig.broken.add('vms/web2-seed');
    const ends = [];
    for (const id of tasks) ends.push(await rig.live(id));
    assert.deepEqual(ends, ['done', 'failed', 'done']);
    const { guests, volumes } = (await rig.state()) as ReturnType<typeof whole>;
    assert.deepEqual(
      guests.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
      [guest('web1'), guest('web3')],
    );
    assert.equal(
      volumes.some((name) => name.includes('web2')),
      false,
    );
  });
});

describe('a guest that is told over the network', () => {
  async function begunOverNetwork(): Promise<{ rig: ProvisionRig; id: string }> {
    const rig = await ProvisionRig.furnished();
    await rig.ask('profile.modify', { profile: 'web', seed: 'network' });
    const { tasks } = await rig.mutate('provisioner.create', { name: 'web', profile: 'web' });
    return { rig, id: tasks[0] ?? assert.fail('no task') };
  }

  it('has no disk for it, and the address where it asks as its serial number', async () => {
    const { rig, id } = await begunOverNetwork();
    assert.equal(await rig.live(id), 'done', rig.error);
    const { 'vms/web-seed': _none, ...images } = whole(id).images;
    assert.deepEqual(await rig.state(), {
      ...{ ...whole(id), images },
      guests: [{ ...guest('web'), disks: guest('web').disks.slice(0, 2) }],
      volumes: whole(id).volumes.filter((name) => !name.includes('seed')),
    });
    const [{ spec } = assert.fail('none')] = await rig.documents.list(vm);
    assert.match(spec.definition, new RegExp(`<entry name=["']serial["']>${seedSerial}</entry>`));
    assert.match(spec.definition, /<smbios mode=["']sysinfo["']\/>/);
    const [seed = assert.fail('no seed')] = await rig.documents.list(guestSeed);
    assert.equal(seed.spec.way, 'network');
  });

  it('leaves nothing when it fails', async () => {
    const { rig, id } = await begunOverNetwork();
    rig.broken.add('vms/web-disk2');
    assert.equal(await rig.live(id), 'failed');
    assert.deepEqual(await rig.state(), bare);
  });
});

describe('several guests of one command', () => {
  it('are spread over the nodes, with addresses of their own', async () => {
    const rig = await ProvisionRig.furnished(['hv1', 'hv2', 'hv3']);
    await rig.mutate('provisioner.create', { name: 'web', profile: 'web', count: 6 });
    const guests = (await rig.documents.list(vm)).map(({ spec }) => spec);
    assert.deepEqual(
      guests.map(({ name }) => name).toSorted(),
      [1, 2, 3, 4, 5, 6].map((at) => `web${at}`),
    );
    for (const name of ['hv1', 'hv2', 'hv3']) assert.equal(guests.filter(({ node }) => node === name).length, 2, name);
    assert.equal(new Set(guests.flatMap(({ nics }) => nics.map(({ mac }) => mac))).size, 6);
  });

  it('are refused together when there is no room for all of them', async () => {
    const rig = await ProvisionRig.furnished();
    const before = await rig.state();
    await refusal(rig.mutate('provisioner.create', { name: 'web', profile: 'web', count: 16 }), 'VM_NO_NODE', /hv1/);
    assert.deepEqual(await rig.state(), before);
  });

  it('fit into one commit when there are as many as may be', async () => {
    const rig = await ProvisionRig.furnished(['hv1', 'hv2', 'hv3']);
    const { tasks } = await rig.mutate('provisioner.create', { name: 'web', profile: 'web', count: 16 });
    assert.equal(tasks.length, 16);
  });
});

describe('what a guest cannot be made of', () => {
  for (const [what, prepare, input, code, says] of [
    ['a profile that is not there', [], { profile: 'none' }, 'OBJECT_NOT_FOUND', /no profile none/],
    ['a node that is not there', [], { node: 'hv9' }, 'OBJECT_NOT_FOUND', /no node hv9/],
    ['a name that is none', [], { name: '../x' }, 'INPUT_INVALID', /a name is/],
    [
      'a name that leaves no room for volumes',
      [],
      { name: 'a'.repeat(60) },
      'PROVISION_UNFIT',
      /-disk1 of a volume is too long/,
    ],
    ['too many', [], { count: 17 }, 'INPUT_INVALID', /count/],
    [
      'a pool that is not there',
      [['storage-template.modify', { template: 'root', disk: [{ pool: 'none', size: GiB }] }]],
      {},
      'PROVISION_UNFIT',
      /no pool none/,
    ],
    [
      'one that is told over a network that it is not on',
      [['profile.modify', { profile: 'web', seed: 'network', network: null }]],
      {},
      'PROVISION_UNFIT',
      /none of its cards is on a network of the cluster/,
    ],
    [
      'more userdata than fits into one commit',
      [['userdata.modify', { userdata: 'web', document: `#cloud-config\nruncmd: [echo ${'x'.repeat(200_000)}]\n` }]],
      { count: 3 },
      'PROVISION_UNFIT',
      /3 guests at once may have 512 KiB together; make 2 at once/,
    ],
    [
      'too little memory',
      [['system-template.modify', { template: 'small', memory: 128 }]],
      {},
      'PROVISION_UNFIT',
      /image debian12 needs 256 MiB of memory/,
    ],
  ] as const)
    it(`is ${what}`, async () => {
      const rig = await ProvisionRig.furnished();
      for (const [operation, change] of prepare) await rig.ask(operation, change);
      const before = await rig.state();
      await refusal(rig.mutate('provisioner.create', { name: 'web', profile: 'web', ...input }), code, says);
      assert.deepEqual(await rig.state(), before);
    });

  it('is a name that a guest has', async () => {
    const { rig } = await begun();
    await refusal(rig.mutate('provisioner.create', { name: 'web', profile: 'web' }), 'OBJECT_EXISTS', /name web/);
  });
});
