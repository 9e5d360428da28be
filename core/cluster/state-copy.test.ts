import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withCode } from '../../test/fixtures/expect.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { MemoryCluster } from '../store/memory.ts';
import { backupText, clear, defined, movable, parseBackup, restorable, verify, writeEntries } from './state-copy.ts';

const entries = [
  ['/vm/1/spec', '{"name":"web1"}'],
  ['/vm/1/status', '{}'],
  ['/claim/vm.name/vweb1', '1'],
  ['/at/hv1/vm/1', '1'],
  ['/node/hv1/spec', '{}'],
  ['/claim/node.address/v10.0.0.1', 'hv1'],
  ['/at/hv1/node/hv1', '1'],
  ['/token/x/spec', '{}'],
  ['/audit/a/spec', '{}'],
  ['/cluster/cluster/spec', '{}'],
  ['/primary/term', '4'],
  ['/layout/at', '1'],
].map(([key = '', value = '']) => ({ key, value }));

const about = { cluster: 'lab', version: '1.2.3', takenMs: 5 };

async function filled(list = entries) {
  const cluster = new MemoryCluster({ clock: new VirtualClock() });
  const store = cluster.open('a');
  await writeEntries(store, list);
  return { cluster, store };
}

describe('the state as a list', () => {
  it('is copied whole to another store, but for what belongs to sessions', async () => {
    const { store } = await filled();
    await store.commit([
      { op: 'create', key: '/alive/hv1', value: '1', ephemeral: true },
      { op: 'create', key: '/primary/holder', value: 'hv1', ephemeral: true },
    ]);
    const original = movable(await store.list('/'));
    assert.equal(original.length, entries.length);
    const copy = await filled(original);
    await verify(copy.store, original);
  });

  it('is told from a copy that lacks something, or differs in one letter', async () => {
    const lacking = await filled(entries.slice(1));
    await assert.rejects(verify(lacking.store, entries), withCode('COPY_DIFFERS'));
    const changed = await filled(entries.map((one, index) => (index === 2 ? { ...one, value: '2' } : one)));
    await assert.rejects(verify(changed.store, entries), withCode('COPY_DIFFERS'));
  });

  it('begins anew after a copy that was cut off', async () => {
    const { store } = await filled(entries.slice(0, 5));
    await assert.rejects(writeEntries(store, entries), withCode('COPY_DIFFERS'));
    await clear(store);
    await writeEntries(store, entries);
    await verify(store, entries);
  });

  it('is written in parts, however much there is', async () => {
    const many = Array.from({ length: 1_234 }, (_, n) => ({ key: `/vm/${n}/spec`, value: 'x'.repeat(5_000) }));
    const { store } = await filled(many);
    await verify(store, many);
  });

  it('goes into a backup and comes out as it was', () => {
    const read = parseBackup(backupText(about, entries), 'f');
    assert.deepEqual([read.cluster, read.version, read.takenMs, read.entries], ['lab', '1.2.3', 5, entries]);
  });

  it('is restored without the machines of the other cluster', () => {
    assert.deepEqual(
      restorable(entries).map(({ key }) => key),
      ['/vm/1/spec', '/vm/1/status', '/claim/vm.name/vweb1', '/at/hv1/vm/1', '/audit/a/spec'],
    );
  });

  it('holds nothing that somebody defined where there are only machines and records of what was done', () => {
    const fresh = [
      ...[
        '/cluster/cluster/spec',
        '/life/cluster/cluster.w1',
        '/node/hv1/spec',
        '/life/node/hv1.w2',
        '/at/hv1/node/hv1',
      ],
      ...['/audit/a/spec', '/life/audit/a.w3', '/layout/at'],
    ].map((key) => ({ key, value: '1' }));
    assert.deepEqual(defined(fresh), []);
    const guest = ['/vm/1/spec', '/life/vm/1.w4', '/claim/vm.name/vweb1'].map((key) => ({ key, value: '1' }));
    assert.deepEqual(defined([...fresh, ...guest]), guest);
  });

  for (const [what, text, reason] of [
    ['no JSON', 'hello', /no JSON/],
    ['cut off', backupText(about, entries).slice(0, -40), /no JSON/],
    ['changed', backupText(about, entries).replace('web1', 'web2'), /checksum/],
    ['of a newer format', backupText(about, entries).replace('"format":1', '"format":2'), /newer PVC/],
    ['something else', '{"a":1}', /./],
  ] as const) {
    it(`is refused when the file is ${what}`, () => {
      assert.throws(
        () => parseBackup(text, '/tmp/f'),
        (error: Error) => withCode('BACKUP_DAMAGED')(error) && reason.test(error.message),
      );
    });
  }
});
