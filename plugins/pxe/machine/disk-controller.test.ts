import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { node } from '../../../core/plugin/api.ts';
import { hardware, macA, refused, setUp } from '../testing/machines.ts';
import { diskController } from './disk-controller.ts';
import type { DiskOutcome, DisksAbout } from './disk-wish.ts';
import { machine } from './machine-kind.ts';
import { type MachineInfo, machineOperations } from './machine-operations.ts';
import { renderMachine } from './render.ts';

const hv4 = { mac: macA, name: 'hv4', address: '10.10.0.14' };
const one = (state: DiskOutcome['state'], text: string, disk = '/dev/sdb'): DiskOutcome => ({ disk, state, text });

async function scene(osd?: readonly string[]) {
  const parts = await setUp(machineOperations);
  const { documents, write, mutate, query, book } = parts;
  await mutate('add', { ...hv4, ...(osd === undefined ? {} : { osd }) });
  const asked: DisksAbout[] = [];
  let outcomes: readonly DiskOutcome[] = [];
  const hook = {
    call: async (_none: unknown, about: DisksAbout) => {
      asked.push(about);
      return { value: outcomes, without: [] };
    },
  };
  const controller = diskController({ documents, write }, book, hook as never);
  const { signal } = new AbortController();
  return {
    ...parts,
    asked,
    storageTells: (...told: DiskOutcome[]) => {
      outcomes = told;
    },
    info: async () => (await query('info', { machine: 'hv4' })) as MachineInfo,
    /** It boots, and its node runs. */
    async arrive() {
      const seen = { type: 'seen', hardware, firmware: 'bios', before: null, objection: null } as const;
      await book.note(macA, { ...seen, word: 'a'.repeat(64) });
      if ((await documents.get(node, 'hv4')) === undefined)
        await write([{ do: 'create', kind: node, id: 'hv4', spec: { role: 'hypervisor', domainState: 'ready' } }]);
      const now = { alive: true, runs: true, bootId: String(asked.length), health: 100 };
      await book.note(macA, { type: 'node', node: now });
    },
    async leave() {
      await write([{ do: 'remove', kind: node, before: await documents.need(node, 'hv4') }]);
      await book.note(macA, { type: 'node', node: null });
    },
    /** The controller looks. @returns what it did */
    async look() {
      const doc = await documents.get(machine, macA);
      const { steps } = controller.plan(doc, await controller.observe(macA, doc), { node: 'hv1', nowMs: 0 });
      for (const step of steps) await controller.apply(step, macA, signal);
      return steps.map((step) => step.do);
    },
  };
}

describe('disks of a machine', () => {
  it('are nobody’s business unless they were asked for', async () => {
    const { arrive, look, asked, info } = await scene();
    await arrive();
    assert.deepEqual([await look(), asked, (await info()).osd], [[], [], null]);
  });

  it('are taken once its node is ready, and once only', async () => {
    const { arrive, look, asked, info, storageTells, leave } = await scene(['all']);
    assert.deepEqual(await look(), [], 'before it has booted');
    await arrive();
    storageTells(one('making', 'it becomes an OSD'), one('left', 'it is mounted on /', '/dev/sda'));
    assert.deepEqual(await look(), ['take']);
    assert.deepEqual([asked[0]?.node, asked[0]?.take, (await info()).osdDone], ['hv4', 'all', false]);
    storageTells(one('done', 'osd.3'), one('left', 'it is mounted on /', '/dev/sda'));
    assert.deepEqual(await look(), ['take']);
    assert.deepEqual(await look(), [], 'what is taken from the storage later stays taken');
    const told = await info();
    assert.deepEqual(
      [told.osd, told.osdDone, told.disks.map(({ text }) => text)],
      ['all blank disks', true, ['osd.3', 'it is mounted on /']],
    );
    const text = renderMachine(told, { width: 120, colour: false, nowMs: 0 });
    assert.match(text, /OSDs: +all blank disks \(done\)/);
    assert.match(text, /\/dev\/sdb +done: osd\.3/);
    await leave();
    assert.deepEqual(await look(), ['forget']);
    assert.equal((await info()).osdDone, false, 'a new node is given them anew');
  });

  it('that are not blank are a fault until they are, or others are asked for', async () => {
    const { arrive, look, storageTells, info, mutate, asked } = await scene(['S1', 'S2']);
    await arrive();
    storageTells(one('done', 'osd.3'), one('refused', 'it is not blank (ext4)', '/dev/sdc'));
    const fault = refused('MACHINE_DISKS', /of hv4 .*: \/dev\/sdc: it is not blank \(ext4\)/);
    await assert.rejects(look(), fault);
    await assert.rejects(look(), fault);
    assert.deepEqual([(await info()).osdDone, (await info()).disks.length], [false, 2]);
    await mutate('modify', { machine: 'hv4', osd: ['S1'] });
    storageTells(one('done', 'osd.3'));
    await look();
    assert.deepEqual([asked.at(-1)?.take, (await info()).osdDone], [['S1'], true]);
    await mutate('modify', { machine: 'hv4', osd: [] });
    assert.deepEqual([(await info()).osd, (await info()).disks], [null, []]);
  });

  it('may be asked for anew, though it is the same wish', async () => {
    const { arrive, look, storageTells, info, mutate } = await scene(['all']);
    await arrive();
    storageTells(one('failed', 'it has not come up'));
    await assert.rejects(look(), refused('MACHINE_DISKS', /not come up/));
    storageTells(one('done', 'osd.3'));
    await look();
    assert.equal((await info()).osdDone, true);
    await mutate('modify', { machine: 'hv4', osd: ['all'] });
    assert.equal((await info()).osdDone, false);
  });

  it('wait for somebody who can take them', async () => {
    const { arrive, look } = await scene(['S1']);
    await arrive();
    await assert.rejects(look(), refused('MACHINE_DISKS', /no plugin of a storage/));
  });

  for (const [what, osd] of [
    ['an option', ['--all']],
    ['nothing', ['']],
    ['two lines', ['/dev/sdb\n/dev/sdc']],
    ['all, and one', ['all', '/dev/sdb']],
  ] as const)
    it(`cannot be ${what}`, async () => {
      const { mutate } = await setUp(machineOperations);
      await assert.rejects(mutate('add', { ...hv4, osd }), { code: 'INPUT_INVALID' });
    });
});
