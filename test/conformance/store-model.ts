/** Conformance by property: random commits against a plain model, and commits of several sessions at once. @module */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import * as fc from 'fast-check';
import type { CommitResult, Op, Store } from '../../core/store/store.ts';
import { create, mustCommit, put, type StoreFactory, withSubject } from './store-subject.ts';

interface Modelled {
  readonly value: string;
  readonly version: number;
  /** Counts the lives of all entries. */
  readonly life: number;
}

/** The interface's promises in the fewest words: a map that is replaced when all operations hold. */
class Model {
  entries = new Map<string, Modelled>();
  #lives = 0;

  commit(ops: readonly Op[]): CommitResult {
    const next = new Map(this.entries);
    for (const op of ops) {
      const found = next.get(op.key);
      const wantsNone = op.op === 'create' || op.op === 'absent';
      const holds = wantsNone ? !found : found && (op.version === undefined || op.version === found.version);
      if (!holds) return { outcome: 'conflict', key: op.key };
      if (op.op === 'create') next.set(op.key, { value: op.value, version: 0, life: ++this.#lives });
      else if (op.op === 'put' && found) next.set(op.key, { ...found, value: op.value, version: found.version + 1 });
      else if (op.op === 'delete') next.delete(op.key);
    }
    this.entries = next;
    return { outcome: 'ok' };
  }

  children(prefix: string): string[] {
    const stem = prefix === '/' ? '/' : `${prefix}/`;
    const below = [...this.entries.keys()].filter((key) => key.startsWith(stem));
    return [...new Set(below.map((key) => key.slice(stem.length).split('/')[0] as string))].sort();
  }
}

/** Few keys, many of them prefixes of others, so that operations meet. */
const keys = ['/a', '/a/b', '/a/b/c', '/a/bc', '/a-b', '/a-b/c', '/b', '/b/a.b', '/b/a/b'];
const anyKey = fc.constantFrom(...keys);
const anyVersion = fc.constantFrom(undefined, undefined, 0, 1, 2);
const anyValue = fc.json({ maxDepth: 1 });
const anyOp: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('create' as const), key: anyKey, value: anyValue }) },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constant('put' as const), key: anyKey, value: anyValue, version: anyVersion }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('delete' as const), key: anyKey, version: anyVersion }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('check' as const), key: anyKey, version: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('absent' as const), key: anyKey }) },
);
const anyCommits = fc.array(fc.record({ by: fc.nat(1), ops: fc.array(anyOp, { minLength: 1, maxLength: 4 }) }), {
  minLength: 1,
  maxLength: 25,
});

async function requireEqual(store: Store, model: Model, births: Map<number, string>): Promise<void> {
  const listed = await store.list('/');
  const expected = [...model.entries].sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(
    listed.map(({ key, value, version }) => ({ key, value, version })),
    expected.map(([key, { value, version }]) => ({ key, value, version })),
  );
  for (const [at, [, { life }]] of expected.entries()) {
    const { key, birth: tag } = listed[at] as { key: string; birth: string };
    // Two entries that one commit made may have the same; two lives of one key never.
    const birth = `${key} ${tag}`;
    assert.equal(births.get(life) ?? birth, birth, 'a birth stays for a life');
    births.set(life, birth);
  }
  assert.deepEqual(
    await store.readMany(keys),
    keys.map((key) => listed.find((entry) => entry.key === key)),
  );
  for (const prefix of ['/', ...keys]) assert.deepEqual(await store.children(prefix), model.children(prefix));
}

async function transfer(store: Store, from: string, to: string): Promise<boolean> {
  const [source, target] = await store.readMany([from, to]);
  assert.ok(source && target);
  const result = await store.commit([
    put(from, String(Number(source.value) - 1), source.version),
    put(to, String(Number(target.value) + 1), target.version),
  ]);
  assert.notEqual(result.outcome, 'unknown');
  return result.outcome === 'ok';
}

const sum = (entries: readonly { value: string }[]): number =>
  entries.reduce((total, entry) => total + Number(entry.value), 0);

export function modelConformance(factory: StoreFactory): void {
  it('answers any commits as the model does', () =>
    fc.assert(
      fc.asyncProperty(anyCommits, (commits) =>
        withSubject(factory, async ({ open }) => {
          const stores = [await open(), await open()] as const;
          const model = new Model();
          const births = new Map<number, string>();
          for (const { by, ops } of commits) {
            const store = stores[by] as Store;
            assert.deepEqual(await store.commit(ops), model.commit(ops));
            await requireEqual(stores[1 - by] as Store, model, births);
          }
          assert.equal(new Set(births.values()).size, births.size, 'no two lives share a birth');
        }),
      ),
      { numRuns: 40 },
    ));

  it('keeps many interleaved commits of several sessions whole', () =>
    withSubject(factory, async ({ open, readsOneMoment }) => {
      const accounts = Array.from({ length: 6 }, (_, n) => `/account/${n}`);
      const stores = await Promise.all([open(), open(), open(), open()]);
      const [first] = stores;
      await mustCommit(
        first,
        accounts.map((key) => create(key, '100')),
      );
      let done = 0;
      let refused = 0;
      const work = stores.map(async (store, which) => {
        for (let n = 0; n < 40; n += 1) {
          const from = accounts[(n + which) % 6] as string;
          const to = accounts[(n * 5 + which + 1) % 6] as string;
          if (from === to) continue;
          if (await transfer(store, from, to)) done += 1;
          else refused += 1;
          if (readsOneMoment) assert.equal(sum(await store.list('/account')), 600);
        }
      });
      await Promise.all(work);
      const entries = await first.list('/account');
      assert.equal(sum(entries), 600);
      assert.equal(
        entries.reduce((total, entry) => total + entry.version, 0),
        2 * done,
        'each that was ok wrote two',
      );
      assert.ok(done > 0 && done + refused > 100);
    }));

  it('loses no increment of eight sessions that compare and set', () =>
    withSubject(factory, async ({ open }) => {
      const stores = await Promise.all(Array.from({ length: 8 }, open));
      await mustCommit(stores[0] as Store, [create('/count', '0')]);
      const increment = async (store: Store): Promise<void> => {
        for (;;) {
          const entry = await store.read('/count');
          assert.ok(entry);
          const { outcome } = await store.commit([put('/count', String(Number(entry.value) + 1), entry.version)]);
          assert.notEqual(outcome, 'unknown');
          if (outcome === 'ok') return;
        }
      };
      await Promise.all(
        stores.map(async (store) => {
          for (let n = 0; n < 10; n += 1) await increment(store);
        }),
      );
      const entry = await (stores[1] as Store).read('/count');
      assert.deepEqual([entry?.value, entry?.version], ['80', 80]);
    }));

  it('answers each of many commits made at once by itself', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const results = await Promise.all(
        Array.from({ length: 100 }, (_, n) =>
          store.commit([create(`/slot/${n % 50}`, String(n)), create(`/own/${n}`)]),
        ),
      );
      assert.equal(results.filter((result) => result.outcome === 'ok').length, 50);
      assert.equal((await store.list('/slot')).length, 50);
      assert.equal((await store.list('/own')).length, 50);
      for (const [n, result] of results.entries()) {
        const own = await store.read(`/own/${n}`);
        assert.equal(own !== undefined, result.outcome === 'ok');
        if (result.outcome === 'conflict') assert.equal(result.key, `/slot/${n % 50}`);
      }
    }));
}
