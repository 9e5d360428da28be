/** Conformance: sessions, ephemeral entries and the end of a store. @module */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { SessionState } from '../../core/store/store.ts';
import { eventually, withCode } from '../fixtures/expect.ts';
import { create, mustCommit, put, remove, type StoreFactory, valueOf, withSubject } from './store-subject.ts';

export function sessionConformance(factory: StoreFactory): void {
  it('begins live, with a lease that goes on', () =>
    withSubject(factory, async ({ open, clock }) => {
      const { session } = await open();
      assert.equal(session.state, 'live');
      assert.equal(session.epoch, 1);
      const first = session.leaseUntilMs;
      assert.ok(first > clock.monotonicMs());
      await eventually('the lease is extended', () => session.leaseUntilMs > first);
      assert.equal(session.state, 'live');
    }));

  it('shows ephemeral entries to others until their store is closed', () =>
    withSubject(factory, async ({ open }) => {
      const [owner, other] = [await open(), await open()];
      await mustCommit(owner, [create('/live/hv1', '"e"', true), create('/node/hv1', '"p"')]);
      assert.equal(await valueOf(other, '/live/hv1'), '"e"');
      assert.deepEqual(await other.children('/live'), ['hv1']);
      await owner.close();
      await eventually('the entry is gone', async () => (await other.read('/live/hv1')) === undefined);
      assert.deepEqual(await other.children('/live'), []);
      assert.equal(await valueOf(other, '/node/hv1'), '"p"');
      assert.equal(owner.session.state, 'lost');
    }));

  it('lets others conflict with, change and delete an ephemeral entry; it goes with its creator', () =>
    withSubject(factory, async ({ open }) => {
      const [owner, other] = [await open(), await open()];
      await mustCommit(owner, [create('/live/a', '1', true), create('/live/b', '1', true)]);
      assert.deepEqual(await other.commit([create('/live/a', '2', true)]), { outcome: 'conflict', key: '/live/a' });
      await mustCommit(other, [put('/live/a', '3', 0), remove('/live/b'), create('/live/b', '2')]);
      await owner.close();
      await eventually('the entry is gone', async () => (await other.read('/live/a')) === undefined);
      assert.equal(await valueOf(other, '/live/b'), '2');
    }));

  it('removes the ephemeral entries of a lost session and begins another', () =>
    withSubject(factory, async ({ open, lose }) => {
      const [owner, other] = [await open(), await open()];
      await mustCommit(owner, [create('/live/hv1', '1', true), create('/node/hv1')]);
      await mustCommit(other, [create('/live/hv2', '1', true)]);
      const seen: SessionState[] = [];
      owner.session.onChange((state) => seen.push(state));
      const quiet: SessionState[] = [];
      owner.session.onChange((state) => quiet.push(state))();
      await lose(owner);
      await eventually('the entry is gone', async () => (await other.read('/live/hv1')) === undefined);
      assert.ok(await other.read('/live/hv2'), 'the entries of others stay');
      assert.ok(await other.read('/node/hv1'), 'what is not ephemeral stays');
      await eventually('a new session', () => owner.session.state === 'live' && owner.session.epoch === 2);
      assert.deepEqual(
        seen.filter((state) => state !== 'suspended'),
        ['lost', 'live'],
      );
      assert.deepEqual(quiet, []);
      await mustCommit(owner, [create('/live/hv1', '2', true)]);
      assert.equal(await valueOf(other, '/live/hv1'), '2');
    }));

  it('refuses everything after it has been closed, and closes twice', () =>
    withSubject(factory, async ({ open }) => {
      const store = await open();
      await mustCommit(store, [create('/a')]);
      await Promise.all([store.close(), store.close()]);
      await store.close();
      const refused = withCode('STORE_UNAVAILABLE');
      await assert.rejects(store.read('/a'), refused);
      await assert.rejects(store.readMany(['/a']), refused);
      await assert.rejects(store.children('/a'), refused);
      await assert.rejects(store.list('/'), refused);
      await assert.rejects(store.commit([put('/a', '1')]), refused);
      await assert.rejects(store.commit([]), refused);
      const watch = store.watch(['all'], new AbortController().signal);
      await assert.rejects(watch[Symbol.asyncIterator]().next(), refused);
      assert.equal(await valueOf(await open(), '/a'), '0');
    }));
}
