import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Readings } from './readings.ts';

/** A kernel whose only address tells how often it was read, each reading of which ends when it is told to. */
function kernel() {
  const clock = { now: 0, monotonicMs: () => clock.now };
  let begun = 0;
  const ends: { done: () => void; fail: () => void }[] = [];
  const readings = new Readings(clock, ([, ...words]) => {
    if (!words.includes('address')) return Promise.resolve('[]');
    begun += 1;
    const text = JSON.stringify([{ ifname: 'cluster', addr_info: [{ local: '10.10.0.11', prefixlen: begun }] }]);
    return new Promise((resolve, reject) =>
      ends.push({ done: () => resolve(text), fail: () => reject(new Error('no such thing')) }),
    );
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return {
    clock,
    begun: () => begun,
    end: async (how: 'done' | 'fail' = 'done') => {
      await settle();
      ends.shift()?.[how]();
      await settle();
    },
    /** Which reading it is. */
    since: async (afterMs: number) =>
      [...((await readings.since(afterMs)).addresses.get('cluster') ?? [])][0]?.slice(11),
  };
}

describe('readings of devices', () => {
  it('are shared by all who ask while one goes on, and for a moment after it', async () => {
    const { clock, end, since, begun } = kernel();
    clock.now = 1_000;
    const two = [since(900), since(999)];
    await Promise.resolve();
    clock.now = 1_500;
    two.push(since(999));
    await end();
    assert.deepEqual(await Promise.all(two), ['1', '1', '1']);
    clock.now = 1_800;
    assert.equal(await since(0), '1');
    clock.now = 1_801;
    const next = since(0);
    await end();
    assert.deepEqual([await next, begun()], ['2', 2]);
  });

  it('show what was done before they began, whoever asks', async () => {
    const { clock, end, since } = kernel();
    clock.now = 1_000;
    const first = since(0);
    await Promise.resolve();
    await Promise.resolve();
    clock.now = 1_010;
    const acted = [since(1_000), since(1_010)];
    clock.now = 1_020;
    await end();
    assert.equal(await first, '1');
    await end();
    assert.deepEqual(await Promise.all(acted), ['2', '2']);
  });

  it('are tried again when one has failed', async () => {
    const { clock, end, since } = kernel();
    clock.now = 1_000;
    const failed = assert.rejects(since(0), /no such thing/);
    await end('fail');
    await failed;
    const next = since(0);
    await end();
    assert.equal(await next, '2');
  });
});
