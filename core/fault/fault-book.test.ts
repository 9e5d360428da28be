import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../host/virtual-host.ts';
import { Documents } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import { FaultBook, type FaultReport, faultId } from './fault-book.ts';
import { fault } from './fault-kind.ts';

const report = (message: string, more: Partial<FaultReport> = {}): FaultReport => ({
  severity: 'warning',
  message,
  hint: 'Look.',
  object: 'vm web1',
  ...more,
});

function setUp() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const documents = new Documents(cluster.open('daemon'));
  const open = (node = 'hv1') => new FaultBook(host, documents, node);
  let commits = 0;
  const commit = documents.store.commit.bind(documents.store);
  documents.store.commit = (...args) => {
    commits += 1;
    return commit(...args);
  };
  const shown = async () =>
    (await documents.list(fault)).map(({ id, status }) => [id, status?.message, status?.clearedMs !== undefined]);
  return {
    host,
    clock: host.clock,
    cluster,
    link: cluster.link('daemon'),
    documents,
    open,
    shown,
    commits: () => commits,
  };
}

describe('fault book', () => {
  it('records a fault once, however often it is raised, and its change and its end', async () => {
    const { clock, open, shown, commits } = setUp();
    const book = open();
    for (let n = 0; n < 5; n += 1) book.raise('a', report('broken'));
    await clock.advance(1000);
    book.raise('a', report('broken'));
    await clock.advance(1000);
    assert.deepEqual(await shown(), [['a@hv1', 'broken', false]]);
    assert.equal(commits(), 1);
    book.raise('a', report('more broken'));
    await clock.advance(0);
    assert.deepEqual(await shown(), [['a@hv1', 'more broken', false]]);
    book.clear('a');
    book.clear('a');
    book.clear('never there');
    await clock.advance(0);
    assert.deepEqual(await shown(), [['a@hv1', 'more broken', true]]);
    assert.equal(commits(), 3);
  });

  it('writes nothing for what comes and goes faster than it can be written', async () => {
    const { clock, open, shown } = setUp();
    const book = open();
    book.raise('a', report('x'));
    book.clear('a');
    await clock.advance(1000);
    assert.deepEqual(
      (await shown()).filter(([, , cleared]) => cleared !== true),
      [],
    );
  });

  it('keeps the first time of a fault that changes, begins anew for one that comes back', async () => {
    const { clock, documents, open } = setUp();
    const book = open();
    const times = async () => {
      const { status, spec } = await documents.need(fault, 'a@hv1');
      return [
        (status?.firstMs ?? 0) - Date.UTC(2030, 0, 1),
        (status?.lastMs ?? 0) - Date.UTC(2030, 0, 1),
        spec.acknowledgedMs,
      ];
    };
    book.raise('a', report('x'));
    await clock.advance(1000);
    book.raise('a', report('y'));
    await clock.advance(0);
    assert.deepEqual(await times(), [0, 1000, undefined]);
    const before = await documents.need(fault, 'a@hv1');
    const { ops } = documents.commitOf([
      { do: 'spec', kind: fault, before, spec: { acknowledgedMs: 5, acknowledgedBy: 'anna' } },
    ]);
    await documents.store.commit(ops);
    book.raise('a', report('z'));
    await clock.advance(0);
    assert.deepEqual(await times(), [0, 1000, 5], 'a change keeps the acknowledgement');
    book.clear('a');
    await clock.advance(1000);
    book.raise('a', report('z'));
    await clock.advance(0);
    assert.deepEqual(await times(), [2000, 2000, undefined], 'what comes back is news');
  });

  it('costs health by its severity unless it says otherwise', async () => {
    const { clock, documents, open } = setUp();
    const book = open();
    book.raise('a', report('x', { severity: 'info' }));
    book.raise('b', report('x'));
    book.raise('c', report('x', { severity: 'critical' }));
    book.raise('d', report('x', { severity: 'critical', delta: 7 }));
    await clock.advance(0);
    assert.deepEqual(
      (await documents.list(fault)).map(({ status }) => status?.delta),
      [0, 10, 50, 7],
    );
    assert.deepEqual([...book.open().keys()], ['a@hv1', 'b@hv1', 'c@hv1', 'd@hv1']);
  });

  it('writes when the store is back, and what is true then', async () => {
    const { clock, link, open, shown, host } = setUp();
    const book = open();
    link.cut();
    book.raise('a', report('x'));
    book.raise('b', report('x'));
    await clock.advance(2000);
    book.clear('b');
    await clock.advance(2000);
    link.heal();
    await clock.advance(30_000);
    assert.deepEqual(await shown(), [['a@hv1', 'x', false]]);
    assert.ok(host.logLines.some((line) => line.includes('could not be recorded yet')));
  });

  it('is right after a lost answer', async () => {
    for (const applied of [true, false]) {
      const { clock, link, open, shown } = setUp();
      const book = open();
      link.loseNextAnswer(applied);
      book.raise('a', report('x'));
      await clock.advance(1000);
      link.loseNextAnswer(applied);
      book.clear('a');
      await clock.advance(1000);
      assert.deepEqual(await shown(), [['a@hv1', 'x', true]]);
    }
  });

  it('tells who listens of every change', async () => {
    const book = setUp().open();
    let changes = 0;
    book.onChange(() => (changes += 1));
    book.raise('a', report('x'));
    book.raise('a', report('x'));
    book.raise('a', report('x', { severity: 'critical' }));
    book.clear('a');
    book.clear('a');
    assert.equal(changes, 3);
  });

  it('clears what an earlier life left open and nobody raises again, on its own node', async () => {
    const { clock, open, shown } = setUp();
    const before = open();
    before.raise('still', report('x'));
    before.raise('gone', report('x'));
    const elsewhere = open('hv2');
    elsewhere.raise('theirs', report('x'));
    await clock.advance(0);
    await before.stop();
    const after = open();
    await after.adopt(20_000);
    await clock.advance(10_000);
    after.raise('still', report('x'));
    await clock.advance(9_999);
    assert.deepEqual(
      (await shown()).map(([, , cleared]) => cleared),
      [false, false, false],
    );
    await clock.advance(1);
    assert.deepEqual(await shown(), [
      ['gone@hv1', 'x', true],
      ['still@hv1', 'x', false],
      ['theirs@hv2', 'x', false],
    ]);
  });
});

describe('fault ids', () => {
  it('hold only what an id may, and are not too long', () => {
    assert.equal(faultId('vm.run', 'web 1/ä'), 'vm.run:web-1--');
    for (const about of ['x'.repeat(500), '../../etc', '\n', ''])
      assert.ok(fault.id.safeParse(faultId('plugin.hook-start', about)).success, about);
  });
});
