/** Conformance: watches. @module */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Dirty, Store, Topic } from '../../core/store/store.ts';
import { eventually } from '../fixtures/expect.ts';
import { create, mustCommit, put, remove, type StoreFactory, valueOf, withSubject } from './store-subject.ts';

/** Longer than any back end takes to hear of another session's commit. */
const settleMs = 400;

/** A reader that is driven by hand. */
function read(store: Store, topics: readonly Topic[], signal = new AbortController().signal) {
  const iterator = store.watch(topics, signal)[Symbol.asyncIterator]();
  return {
    next: () => iterator.next(),
    stop: () => iterator.return?.(),
    async dirty(): Promise<Dirty> {
      const element = await iterator.next();
      if (element.done) assert.fail('the watch has ended');
      return element.value;
    },
    /** Elements until all these keys have come, whose union is returned. */
    async until(...keys: string[]): Promise<string[]> {
      const seen = new Set<string>();
      while (!keys.every((key) => seen.has(key))) for (const key of (await this.dirty()).keys) seen.add(key);
      return [...seen].sort();
    },
  };
}

export function watchConformance(factory: StoreFactory): void {
  it('begins with a resync, then tells the keys that changed', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      await mustCommit(store, [create('/before')]);
      for (const writer of [store, other]) {
        const name = writer === store ? '/own' : '/others';
        const reader = read(store, ['all']);
        assert.deepEqual(await reader.dirty(), { resync: true, keys: new Set() });
        await mustCommit(writer, [create(name)]);
        assert.deepEqual(await reader.dirty(), { resync: false, keys: new Set([name]) });
        await mustCommit(writer, [put(name, '1')]);
        assert.deepEqual(await reader.dirty(), { resync: false, keys: new Set([name]) });
        await mustCommit(writer, [remove(name)]);
        assert.deepEqual(await reader.dirty(), { resync: false, keys: new Set([name]) });
        await reader.stop();
      }
    }));

  it('gathers changes while the reader is busy', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      const reader = read(store, ['all']);
      await reader.dirty();
      for (let n = 0; n < 5; n += 1)
        await mustCommit(other, [create(`/k/${n}`), create('/t', '0')].slice(0, n === 0 ? 2 : 1));
      for (let n = 0; n < 5; n += 1) await mustCommit(store, [put('/t', String(n))]);
      await delay(settleMs);
      const { resync, keys } = await reader.dirty();
      assert.equal(resync, false);
      assert.deepEqual([...keys].sort(), ['/k/0', '/k/1', '/k/2', '/k/3', '/k/4', '/t']);
    }));

  it('names keys after any number of changes, also to those who begin then', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      await mustCommit(other, [create('/n', '0')]);
      const early = read(store, ['all']);
      await early.dirty();
      // More than back ends keep for those who are late.
      for (let n = 0; n < 700; n += 20)
        await Promise.all(Array.from({ length: 20 }, (_, at) => mustCommit(other, [put('/n', String(n + at))])));
      await mustCommit(other, [create('/end')]);
      await early.until('/end');
      const late = read(await open(), ['all']);
      await late.dirty();
      await delay(settleMs);
      for (const key of ['/first', '/second']) {
        await mustCommit(other, [create(key)]);
        for (const reader of [early, late])
          assert.deepEqual(await reader.dirty(), { resync: false, keys: new Set([key]) });
      }
    }));

  it('tells only what was changed', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      await mustCommit(store, [create('/a')]);
      const reader = read(store, ['all']);
      await reader.dirty();
      assert.equal((await other.commit([put('/a', '1'), create('/a')])).outcome, 'conflict');
      await mustCommit(other, [
        { op: 'check', key: '/a', version: 0 },
        { op: 'absent', key: '/b' },
      ]);
      await mustCommit(other, [{ op: 'check', key: '/a', version: 0 }, create('/c')]);
      assert.deepEqual(await reader.until('/c'), ['/c']);
    }));

  it('wakes those of the topic, and those of all', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      const hv1 = read(store, ['node:hv1']);
      const both = read(store, ['node:hv1', 'node:hv2']);
      const all = read(store, ['all']);
      for (const reader of [hv1, both, all]) await reader.dirty();
      await mustCommit(other, [create('/none')]);
      await mustCommit(other, [create('/two')], ['node:hv2']);
      await mustCommit(store, [create('/three')], ['node:hv3']);
      await mustCommit(store, [create('/one'), create('/one/more')], ['node:hv1']);
      await mustCommit(other, [create('/end')], ['node:hv2', 'node:hv1']);
      assert.deepEqual(await hv1.until('/end'), ['/end', '/one', '/one/more']);
      assert.deepEqual(await both.until('/end', '/two'), ['/end', '/one', '/one/more', '/two']);
      assert.deepEqual(await all.until('/end', '/none', '/three'), [
        '/end',
        '/none',
        '/one',
        '/one/more',
        '/three',
        '/two',
      ]);
    }));

  it('misses no change, whatever comes between two elements', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      await mustCommit(other, [create('/n', '0')]);
      const last = 60;
      const write = async (): Promise<void> => {
        for (let n = 1; n <= last; n += 1) {
          await mustCommit(n % 2 === 0 ? store : other, [put('/n', String(n))]);
          if (n % 7 === 0) await delay(1);
        }
      };
      const follow = async (): Promise<number> => {
        let elements = 0;
        for await (const dirty of store.watch(['all'], new AbortController().signal)) {
          elements += 1;
          assert.ok(dirty.resync || dirty.keys.has('/n'));
          if (Number(await valueOf(store, '/n')) === last) break;
          if (elements % 5 === 0) await delay(2);
        }
        return elements;
      };
      const [, elements] = await Promise.all([write(), follow()]);
      assert.ok(elements <= last + 1);
    }));

  it('tells the end of ephemeral entries', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      await mustCommit(other, [create('/live/b', '1', true), create('/live/a', '1', true)]);
      const reader = read(store, ['all']);
      await reader.dirty();
      await other.close();
      assert.deepEqual(await reader.until('/live/a', '/live/b'), ['/live/a', '/live/b']);
    }));

  it('goes on with a resync after its session was lost', () =>
    withSubject(factory, async ({ open, lose }) => {
      const [store, other] = [await open(), await open()];
      const reader = read(store, ['node:hv1']);
      await reader.dirty();
      const next = reader.dirty();
      await lose(store);
      assert.equal((await next).resync, true);
      await mustCommit(other, [create('/a')], ['node:hv1']);
      assert.deepEqual(await reader.until('/a'), ['/a']);
    }));

  it('names many changes or says that anything may have changed', () =>
    withSubject(factory, async ({ open }) => {
      const [store, other] = [await open(), await open()];
      const reader = read(store, ['all']);
      await reader.dirty();
      for (let part = 0; part < 10; part += 1) {
        await mustCommit(
          other,
          Array.from({ length: 500 }, (_, n) => create(`/k/${part}-${n}`)),
        );
      }
      await delay(settleMs);
      const { resync, keys } = await reader.dirty();
      if (resync) assert.equal(keys.size, 0);
      else assert.equal(keys.size, 5000);
      await mustCommit(other, [create('/then')]);
      assert.deepEqual(await reader.until('/then'), ['/then']);
    }));

  it('ends when the signal aborts: waiting, busy, before it began; and holds nothing then', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const waiting = new AbortController();
      const first = read(store, ['all'], waiting.signal);
      await first.dirty();
      const next = first.next();
      waiting.abort();
      assert.deepEqual(await next, { value: undefined, done: true });

      const busy = new AbortController();
      const second = read(store, ['all'], busy.signal);
      await second.dirty();
      await mustCommit(store, [create('/a')]);
      busy.abort();
      assert.equal((await second.next()).done, true);

      assert.equal((await read(store, ['all'], AbortSignal.abort()).next()).done, true);

      const left = new AbortController();
      for await (const dirty of store.watch(['all'], left.signal)) {
        assert.ok(dirty.resync);
        break;
      }
      for (const { signal } of [waiting, busy, left]) assert.equal(getEventListeners(signal, 'abort').length, 0);
    }));

  it('ends when the store is closed', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const reader = read(store, ['all']);
      await reader.dirty();
      const next = reader.next();
      await store.close();
      assert.equal((await next).done, true);
    }));

  it('serves several readers independently', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      const readers = Array.from({ length: 5 }, () => read(store, ['all']));
      for (const reader of readers) await reader.dirty();
      await mustCommit(store, [create('/a')]);
      await readers[0]?.stop();
      for (const reader of readers.slice(1)) assert.deepEqual(await reader.until('/a'), ['/a']);
      assert.equal((await readers[0]?.next())?.done, true);
      await eventually('a late reader begins with a resync', async () => (await read(store, ['all']).dirty()).resync);
    }));
}
