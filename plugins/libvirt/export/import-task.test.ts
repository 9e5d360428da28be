import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImportRig } from './testing/import-rig.ts';

const nothing = { guests: [], volumes: [], images: {} };
const whole = {
  guests: [
    { run: 'running', autostart: true, disks: ['vda volume vms a', 'vdb volume fast b', 'sda file /iso/debian.iso'] },
  ],
  volumes: ['fast/b false', 'vms/a false'],
  images: { vda: 'all of vda, what is new of vda, ', vdb: 'all of vdb, what is new of vdb, ' },
};

/** How many moments a life has in which it can be killed. */
async function momentsOf(prepare: (rig: ImportRig) => Promise<unknown>, live: (rig: ImportRig) => Promise<unknown>) {
  const rig = await ImportRig.create();
  await prepare(rig);
  await live(rig);
  assert.ok(rig.moments > 5, `${rig.moments} moments`);
  return Array.from({ length: rig.moments }, (_, at) => at);
}

const nothingBefore = async (): Promise<void> => undefined;
const damage = (rig: ImportRig) => rig.host.files.writeAtomic('/backup/later/vdb.copy', 'what is old of vdb');

describe('an import', () => {
  it('gives the guest its disks and its state', async () => {
    const rig = await ImportRig.create();
    assert.equal(await rig.live(), 'done', rig.error);
    assert.deepEqual(await rig.state(), whole);
    assert.equal(await rig.live(), 'done', 'and once more changes nothing');
    assert.deepEqual(await rig.state(), whole);
  });

  it('may be killed in any moment, and ends as if nothing had been', async () => {
    for (const cut of await momentsOf(nothingBefore, (rig) => rig.live())) {
      const rig = await ImportRig.create();
      assert.equal(await rig.live(cut), 'killed');
      assert.equal(await rig.live(), 'done', `moment ${cut}`);
      assert.deepEqual(await rig.state(), whole, `moment ${cut}`);
    }
  });

  it('leaves nothing, or all of it, when it is cancelled in any moment', async () => {
    const ends = new Set<string>();
    for (const cut of await momentsOf(nothingBefore, (rig) => rig.live())) {
      const rig = await ImportRig.create();
      await rig.live(cut);
      assert.equal(await rig.giveUp(), 'done');
      const state = await rig.state();
      ends.add(JSON.stringify(state) === JSON.stringify(whole) ? 'all' : 'nothing');
      assert.deepEqual(state, ends.has('all') ? whole : nothing, `moment ${cut}`);
    }
    assert.deepEqual([...ends], ['nothing', 'all']);
  });

  it('leaves nothing when it is killed while it is taken back', async () => {
    const half = (rig: ImportRig) => rig.live(12);
    for (const cut of await momentsOf(half, (rig) => rig.giveUp())) {
      const rig = await ImportRig.create();
      await half(rig);
      assert.notEqual(rig.images.size, 0);
      assert.equal(await rig.giveUp(cut), 'killed');
      assert.equal(await rig.giveUp(), 'done');
      assert.deepEqual(await rig.state(), nothing, `moment ${cut}`);
    }
  });

  it('of a file that is damaged writes nothing and leaves nothing, also when it is killed meanwhile', async () => {
    for (const cut of await momentsOf(damage, (rig) => rig.live())) {
      const rig = await ImportRig.create();
      await damage(rig);
      assert.equal(await rig.live(cut), 'killed');
      assert.deepEqual(rig.images, new Map(), `moment ${cut}`);
      assert.equal(await rig.live(), 'failed');
      assert.deepEqual(await rig.state(), nothing, `moment ${cut}`);
    }
  });

  it('of a file that is changed after it was checked is taken back', async () => {
    for (const cut of await momentsOf(nothingBefore, (rig) => rig.live())) {
      const rig = await ImportRig.create();
      await rig.live(cut);
      if (rig.phase !== 'fill' || JSON.stringify(await rig.state()) === JSON.stringify(whole)) continue;
      await damage(rig);
      assert.equal(await rig.live(), 'failed', `moment ${cut}`);
      assert.deepEqual(await rig.state(), nothing, `moment ${cut}`);
    }
  });
});
