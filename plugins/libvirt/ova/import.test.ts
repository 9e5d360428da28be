import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { PvcError } from '../../../core/plugin/api.ts';
import { GiB, ProvisionRig } from '../provision/testing/provision-rig.ts';
import { descriptor } from './testing/descriptors.ts';

const directory = '/srv/ova';
const bare = { guests: [], seeds: 0, volumes: ['vms/debian12 false'], images: {}, scratch: [] };
const whole = {
  guests: [{ name: 'web', run: 'running', disks: ['vda volume vms web-disk1', 'vdb volume vms web-disk2'] }],
  volumes: ['vms/debian12 false', 'vms/web-disk1 false', 'vms/web-disk2 false'],
  images: { 'vms/web-disk1': `from ${directory}/disk1.vmdk`, 'vms/web-disk2': `from ${directory}/disk2.vmdk` },
  scratch: [],
  seeds: 0,
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A node with a package, and what is asked of it. */
async function packed(files: Readonly<Record<string, string>> = {}): Promise<ProvisionRig> {
  const rig = await ProvisionRig.create();
  await rig.host.files.makeDirectory(directory);
  const all = {
    'web.ovf': descriptor(),
    'disk1.vmdk': 'one',
    'disk2.vmdk': 'two',
    'web.mf': `SHA256(disk1.vmdk)= ${sha256('one')}\nSHA256(disk2.vmdk)= ${sha256('two')}\n`,
    ...files,
  };
  for (const [name, text] of Object.entries(all))
    if (text !== '') await rig.host.files.writeAtomic(`${directory}/${name}`, text);
  return rig;
}

const wish = { name: 'web', directory, pool: 'vms', network: ['office'], start: true };

async function begun(files?: Readonly<Record<string, string>>): Promise<{ rig: ProvisionRig; id: string }> {
  const rig = await packed(files);
  const { tasks } = await rig.mutate('vm.import-ovf', wish);
  return { rig, id: tasks[0] ?? assert.fail('no task') };
}

describe('a guest of an OVF package', () => {
  it('gets its disks and its state at once', async () => {
    const { rig, id } = await begun();
    assert.equal(await rig.live(id), 'done', rig.error);
    assert.deepEqual(await rig.state(), whole);
    assert.equal(await rig.live(id), 'done', 'and once more changes nothing');
    assert.deepEqual(await rig.state(), whole);
  });

  it('is what the descriptor says, and is told what it is not', async () => {
    const rig = await packed();
    const { warnings } = await rig.mutate('vm.import-ovf', wish);
    assert.deepEqual(warnings, [
      'CD/DVD drive 1 is not taken over',
      '1 of its 2 network cards are left out: --network says where they go',
    ]);
    const [guest] = await rig.guests();
    assert.deepEqual([guest?.vcpus, guest?.memoryMiB], [2, 2048]);
    assert.deepEqual(
      guest?.nics.map(({ source, model }) => [source, model]),
      [[{ type: 'network', network: 'office' }, 'virtio']],
    );
    assert.match(guest?.definition ?? '', /firmware='efi'/);
  });

  it('may be cut off in any moment, and ends as if nothing had been', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    assert.ok(first.rig.moments > 6, `${first.rig.moments} moments`);
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      assert.equal(await rig.live(id, 'run', cut), 'killed');
      assert.equal(await rig.live(id), 'done', `moment ${cut}: ${rig.error}`);
      assert.deepEqual(await rig.state(), whole, `moment ${cut}`);
    }
  });

  it('leaves nothing, or is whole, when it is cancelled in any moment', async () => {
    const first = await begun();
    await first.rig.live(first.id);
    const ends = new Set<string>();
    for (let cut = 0; cut < first.rig.moments; cut += 1) {
      const { rig, id } = await begun();
      await rig.live(id, 'run', cut);
      assert.equal(await rig.live(id, 'give up'), 'done', rig.error);
      const state = await rig.state();
      ends.add(isDeepStrictEqual(state, whole) ? 'whole' : 'nothing');
      assert.deepEqual(state, ends.has('whole') ? whole : bare, `moment ${cut}`);
    }
    assert.deepEqual([...ends], ['nothing', 'whole']);
  });

  it('writes nothing when a disk is not what the manifest says', async () => {
    const { rig, id } = await begun({ 'disk2.vmdk': 'damaged' });
    assert.equal(await rig.live(id), 'failed');
    assert.match(rig.error, /the checksum of disk2\.vmdk is [0-9a-f]{64}, and should be/);
    assert.deepEqual(await rig.state(), bare);
  });

  it('leaves nothing when a disk cannot be made', async () => {
    const { rig, id } = await begun();
    rig.broken.add('vms/web-disk2');
    assert.equal(await rig.live(id), 'failed');
    assert.deepEqual(await rig.state(), bare);
  });

  const refusals: readonly (readonly [string, Readonly<Record<string, string>>, object, RegExp])[] = [
    ['without a descriptor', { 'web.ovf': '' }, {}, /no descriptor/],
    ['with two descriptors', { 'db.ovf': descriptor() }, {}, /2 descriptors/],
    ['without a disk', { 'disk2.vmdk': '' }, {}, /its file disk2\.vmdk is missing/],
    ['with a manifest of nothing', { 'web.mf': 'MD5(a)= 1' }, {}, /line 1 of its manifest/],
    ['for a pool that is not there', {}, { pool: 'none' }, /there is no pool none/],
    ['for a network that is not there', {}, { network: ['none'] }, /none/],
    ['for a name that is too long', {}, { name: 'w'.repeat(60) }, /too long/],
  ];
  for (const [what, files, other, says] of refusals)
    it(`${what} is refused, and nothing is written`, async () => {
      const rig = await packed(files);
      await assert.rejects(rig.mutate('vm.import-ovf', { ...wish, ...other }), (error) => {
        assert.ok(error instanceof PvcError, String(error));
        assert.match([error.message, ...error.details].join(' '), says);
        return true;
      });
      assert.deepEqual(await rig.state(), bare);
    });

  it('has volumes as large as the images are, whatever the descriptor says', async () => {
    const rig = await packed();
    const { actions } = await rig.mutate('vm.import-ovf', wish);
    assert.ok(actions.includes(`make vms/web-disk1 (${rig.fileBytes / GiB} GiB) from disk1.vmdk`), actions.join('\n'));
  });
});
