import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { maxDirtyKeys, Watchers } from './watchers.ts';

const nothing = (): void => {};

describe('watchers', () => {
  it('counts readers from their first element to their end', async () => {
    const counts: number[] = [];
    const watchers = new Watchers((count) => counts.push(count));
    const abort = new AbortController();
    const one = watchers.watch(['all'], abort.signal, nothing);
    const two = watchers.watch(['all'], abort.signal, nothing);
    assert.deepEqual(counts, [], 'a watch that nobody reads holds nothing');
    await one.next();
    await two.next();
    await two.return();
    abort.abort(); // `one` is busy and will never ask again
    assert.deepEqual(counts, [1, 2, 1, 0]);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });

  it('holds no more keys than the limit, whatever comes', async () => {
    const watchers = new Watchers();
    const reader = watchers.watch(['all'], new AbortController().signal, nothing);
    await reader.next();
    const keys = Array.from({ length: maxDirtyKeys }, (_, n) => `/k/${n}`);
    watchers.notify(keys, []);
    watchers.notify(keys, []);
    assert.equal((await reader.next()).value?.keys.size, maxDirtyKeys);
    watchers.notify(keys, []);
    watchers.notify(['/one-more'], []);
    watchers.notify(['/and-more'], []);
    assert.deepEqual((await reader.next()).value, { resync: true, keys: new Set() });
    watchers.notify(['/then'], []);
    assert.deepEqual((await reader.next()).value, { resync: false, keys: new Set(['/then']) });
  });

  it('gives each element its own keys', async () => {
    const watchers = new Watchers();
    const reader = watchers.watch(['all'], new AbortController().signal, nothing);
    await reader.next();
    watchers.notify(['/a'], []);
    const first = (await reader.next()).value;
    watchers.notify(['/b'], []);
    assert.deepEqual(first?.keys, new Set(['/a']));
  });

  it('passes an error to every reader', async () => {
    const watchers = new Watchers();
    const reader = watchers.watch(['all'], new AbortController().signal, nothing);
    await reader.next();
    const next = reader.next();
    watchers.end(new Error('broken'));
    await assert.rejects(next, /broken/);
    assert.equal(watchers.count, 0);
  });

  it('holds nothing when it cannot begin', async () => {
    const watchers = new Watchers(() => {
      throw new Error('no');
    });
    const abort = new AbortController();
    await assert.rejects(watchers.watch(['all'], abort.signal, nothing).next(), /no/);
    assert.equal(watchers.count, 0);
    assert.equal(getEventListeners(abort.signal, 'abort').length, 0);
  });
});
