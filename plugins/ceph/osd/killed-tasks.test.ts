import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordedDisk } from '../testing/recorded-lvm.ts';
import { type Cut, RecordedNode } from '../testing/recorded-node.ts';
import { addOsdTask } from './add-task.ts';
import { osd } from './osd-kind.ts';
import { removeOsdTask } from './remove-task.ts';
import { replaceOsdTask } from './replace-task.ts';

const uuid = (digit: number): string => `0b8f3c1e-3f4e-4c59-9d0f-6d1f4f1f0a0${digit}`;
const device = (serial: string) => ({ type: 'lvm', ...recordedDisk(serial) });
const one = { node: 'hv1', uuids: [uuid(1)], backing: device('VIRTIO-BLANK') };
const two = { ...one, uuids: [uuid(1), uuid(2)], class: 'nvme' };
const withDatabase = { ...one, databases: { group: 'osd-db', sizeBytes: 2 ** 31 } };

/** A node with a group for databases, and as many OSDs as are asked for. */
async function node(...made: object[]): Promise<RecordedNode> {
  const fresh = new RecordedNode();
  await fresh.ceph.answer(['vgcreate', '--yes', 'osd-db', recordedDisk('NVME0002').path], false);
  for (const input of made) {
    assert.ok(await fresh.live(addOsdTask, 'device', input));
    fresh.phase = '';
  }
  return fresh;
}

/** Every place where the daemon can die in a task of so many commands. */
const cuts = (commands: number): Cut[] =>
  Array.from({ length: commands }, (_, at) =>
    (['before', 'middle', 'after'] as const).map((how) => ({ at, how })),
  ).flat();

interface Scenario {
  readonly made: readonly object[];
  readonly task: Parameters<RecordedNode['live']>[0];
  readonly target: string;
  readonly input: () => Promise<unknown> | unknown;
}

const removal = (force: boolean) => ({
  uuid: uuid(1),
  node: 'hv1',
  backing: { ...device('VIRTIO-BLANK') },
  force,
  there: true,
});
const replacement = (force: boolean) => ({
  node: 'hv1',
  old: { uuid: uuid(1), backing: device('VIRTIO-BLANK') },
  wish: { uuids: [uuid(3)], backing: device('ZC1A0001') },
  force,
});

const scenarios: Record<string, Scenario> = {
  'an OSD is made': { made: [], task: addOsdTask, target: 'device', input: () => one },
  'two OSDs are made of a disk': { made: [], task: addOsdTask, target: 'device', input: () => two },
  'an OSD with its database apart is made': { made: [], task: addOsdTask, target: 'device', input: () => withDatabase },
  'an OSD is removed': { made: [one], task: removeOsdTask, target: '0', input: () => removal(false) },
  'an OSD is removed at once': { made: [one], task: removeOsdTask, target: '0', input: () => removal(true) },
  'one of two OSDs on a disk is removed': {
    made: [two],
    task: removeOsdTask,
    target: '0',
    input: () => removal(false),
  },
  'an OSD with its database apart is removed': {
    ...{ made: [withDatabase], task: removeOsdTask, target: '0' },
    input: () => ({ ...removal(false), backing: { ...device('VIRTIO-BLANK'), db: `osd-db/osd-db-${uuid(1)}` } }),
  },
  'an OSD is replaced': { made: [one], task: replaceOsdTask, target: '0', input: () => replacement(false) },
  'an OSD is replaced at once': { made: [one], task: replaceOsdTask, target: '0', input: () => replacement(true) },
};

for (const [what, { made, task, target, input }] of Object.entries(scenarios))
  describe(`while ${what} on logical volumes`, () => {
    it('the daemon may be killed before, in and after every command: it ends as if nothing had been', async () => {
      const whole = await node(...made);
      assert.ok(await whole.live(task, target, await input()));
      const expected = await whole.state();
      for (const cut of cuts(whole.commands)) {
        const killed = await node(...made);
        assert.equal(await killed.live(task, target, await input(), cut), false, JSON.stringify(cut));
        assert.ok(await killed.live(task, target, await input()));
        assert.deepEqual(await killed.state(), expected, JSON.stringify(cut));
      }
    });
  });

describe('an OSD that is given up', () => {
  for (const [what, input] of [
    ['one', one],
    ['two', two],
    ['with a database', withDatabase],
  ] as const)
    it(`after any command leaves nothing (${what})`, async () => {
      const before = await (await node()).state();
      const whole = await node();
      assert.ok(await whole.live(addOsdTask, 'device', input));
      for (const cut of cuts(whole.commands)) {
        const killed = await node();
        await killed.live(addOsdTask, 'device', input, cut);
        await killed.giveUp(addOsdTask, 'device', input);
        assert.deepEqual(await killed.state(), before, JSON.stringify(cut));
      }
    });

  it('while its data moves is as it was', async () => {
    const before = await (await node(one)).state();
    for (const [task, input] of [
      [removeOsdTask, removal(false)],
      [replaceOsdTask, replacement(false)],
    ] as const)
      for (const at of Array.from({ length: 12 }).keys()) {
        const killed = await node(one);
        await killed.live(task, '0', input, { at, how: 'after' });
        if (!['', 'move', 'stop'].includes(killed.phase)) continue;
        await killed.giveUp(task, '0', input);
        // The next life has it running again.
        await killed.live(() => ({ action: '', summary: '', run: async () => undefined }), '0', null);
        assert.deepEqual(await killed.state(), before, `after ${at} commands`);
      }
  });
});

describe('a disk', () => {
  for (const [serial, reason] of [
    ['PHYF0001', /it has a partition table \(gpt\)/],
    ['S5Y1NX0R', /it is not blank \(xfs\)/],
    ['PERC0001', /it is mounted on \/srv\/data/],
    ['PERC0002', /it is in use by data-home/],
    ['VIRTIO-SMALL', /it has 1 GiB, and an OSD needs 5 GiB/],
    ['VIRTIO-RO', /it is read-only/],
  ] as const)
    it(`that is no blank one (${serial}) is refused before anything is written`, async () => {
      const fresh = await node();
      const before = await fresh.state();
      const input = { ...one, backing: device(serial) };
      await assert.rejects(fresh.live(addOsdTask, 'device', input), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'OSD_DEVICE');
        assert.match(error.message, reason);
        return true;
      });
      assert.deepEqual(await fresh.state(), before);
    });

  it('that is no longer the one that was meant is refused', async () => {
    const fresh = await node();
    const input = { ...one, backing: { ...device('VIRTIO-BLANK'), serial: 'ANOTHER' } };
    await assert.rejects(fresh.live(addOsdTask, 'device', input), { code: 'DEVICE_NOT_FOUND' });
  });

  it('that holds an OSD is not taken a second time', async () => {
    const taken = await node(one);
    const input = { ...one, uuids: [uuid(2)] };
    await assert.rejects(taken.live(addOsdTask, 'device', input), /the data of osd\.0 lie on it/);
    assert.equal((await taken.documents.list(osd)).length, 1);
  });
});
