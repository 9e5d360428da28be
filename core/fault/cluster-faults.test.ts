import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { Write } from '../store/documents.ts';
import { faultWrites as writesOf } from './cluster-faults.ts';
import type { FaultReport } from './fault-book.ts';
import { fault } from './fault-kind.ts';

type Docs = Parameters<typeof writesOf>[1];

const faultWrites = (present: Docs, wanted: Parameters<typeof writesOf>[2], nowMs: number, keep?: boolean) =>
  writesOf('storage:', present, wanted, nowMs, keep);

const report = (message: string, more: Partial<FaultReport> = {}): FaultReport => ({
  severity: 'warning',
  message,
  hint: 'Do something.',
  object: 'storage',
  ...more,
});
const id = 'storage:OSD_DOWN';
const wants = (...reports: [string, FaultReport][]) => new Map(reports);

/** What the store holds after the writes. */
function after(present: Docs, writes: readonly Write[]): Docs {
  const docs = new Map(present.map((doc) => [doc.id, doc]));
  for (const write of writes) {
    const name = write.do === 'create' ? write.id : write.before.id;
    const old = docs.get(name) ?? { id: name, spec: {}, specVersion: 1, birth: 1, status: undefined };
    const next = { ...old } as Record<string, unknown>;
    if ('spec' in write) next['spec'] = fault.spec.parse(write.spec);
    if ('status' in write) next['status'] = fault.status.parse(write.status);
    docs.set(name, next as unknown as Docs[number]);
  }
  return [...docs.values()];
}

const openIds = (docs: Docs): string[] =>
  docs.flatMap((doc) => (doc.status !== undefined && doc.status.clearedMs === undefined ? [doc.id] : [])).toSorted();

describe('faults that belong to no node', () => {
  it('open, change, clear and come again', () => {
    const first = after([], faultWrites([], wants([id, report('1 down')]), 1_000));
    assert.deepEqual(first[0]?.status, {
      ...{ severity: 'warning', message: '1 down', hint: 'Do something.', object: 'storage', delta: 10 },
      ...{ firstMs: 1_000, lastMs: 1_000, node: '' },
    });
    const worse = after(first, faultWrites(first, wants([id, report('all down', { severity: 'critical' })]), 2_000));
    assert.deepEqual([worse[0]?.status?.firstMs, worse[0]?.status?.severity], [1_000, 'critical']);
    const cleared = after(worse, faultWrites(worse, wants(), 3_000));
    assert.equal(cleared[0]?.status?.clearedMs, 3_000);
    assert.deepEqual(faultWrites(cleared, wants(), 4_000), []);
    const acknowledged = cleared.map((doc) => ({ ...doc, spec: { acknowledgedMs: 2_500 } }));
    const again = after(acknowledged, faultWrites(acknowledged, wants([id, report('1 down')]), 5_000));
    assert.deepEqual([again[0]?.spec, again[0]?.status?.firstMs], [{}, 5_000], 'the old "I know" covers the new fault');
  });

  it('are not written for every figure that changes', () => {
    const docs = after([], faultWrites([], wants([id, report('12.5 % missing')]), 1_000));
    assert.deepEqual(faultWrites(docs, wants([id, report('7 % missing')]), 30_000), []);
    assert.equal(faultWrites(docs, wants([id, report('7 % missing')]), 90_000).length, 1);
  });

  it('stay open while nobody knows', () => {
    const docs = after([], faultWrites([], wants([id, report('1 down')]), 1_000));
    const silent = after(docs, faultWrites(docs, wants(['storage:away', report('silent')]), 2_000, true));
    assert.deepEqual(openIds(silent), [id, 'storage:away']);
    assert.deepEqual(openIds(after(silent, faultWrites(silent, wants(), 3_000))), []);
  });

  it('leave those of nodes and of others alone', () => {
    const foreign = after([], faultWrites([], wants(['health.disk:hv1', report('x')]), 1));
    const ofNode = after([], faultWrites([], wants(['storage:ceph@hv1', report('y')]), 1)).map((doc) => ({
      ...doc,
      status: { ...doc.status, node: 'hv1' },
    })) as unknown as Docs;
    assert.deepEqual(faultWrites([...foreign, ...ofNode], wants(), 2), []);
  });

  const some = fc.subarray(['A', 'B', 'C', 'D']).map((codes) => codes.map((code) => `storage:${code}`));
  it('are exactly those that are wanted, whatever was before', () =>
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), (looks) => {
        let docs: Docs = [];
        for (const [at, ids] of looks.entries()) {
          const wanted = new Map(ids.map((name) => [name, report('wrong')]));
          docs = after(docs, faultWrites(docs, wanted, at * 1000));
          assert.deepEqual(openIds(docs), ids.toSorted());
          assert.deepEqual(faultWrites(docs, wanted, at * 1000 + 1), [], 'said once is enough');
        }
      }),
    ));
});
