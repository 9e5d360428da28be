import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from '../host/virtual-clock.ts';
import { WorkQueue } from './work-queue.ts';

type Work = (key: string, failures: number) => Promise<number | undefined>;

function setUp(work: Work, concurrency = 1) {
  const clock = new VirtualClock();
  const failures: string[] = [];
  const queue = new WorkQueue({
    clock,
    concurrency,
    firstBackoffMs: 100,
    maxBackoffMs: 1000,
    work,
    failed: (key, error, count) => failures.push(`${clock.monotonicMs()} ${key} ${(error as Error).message} ${count}`),
  });
  return { clock, queue, failures };
}

/** Work that takes `ms` and notes when it begins. */
function slowly(ms: number, results: Readonly<Record<string, number>> = {}) {
  const begun: string[] = [];
  const parts = setUp(async (key) => {
    begun.push(`${parts.clock.monotonicMs()} ${key}`);
    await parts.clock.sleep(ms);
    return results[key];
  });
  return { ...parts, begun };
}

describe('work queue', () => {
  it('works on a key once, however often it was added while it waited', async () => {
    const { clock, queue, begun } = slowly(10);
    for (const key of ['a', 'b', 'b', 'b']) queue.add(key);
    assert.equal(queue.length, 2);
    await clock.advance(100);
    assert.deepEqual(begun, ['0 a', '10 b']);
    assert.equal(queue.length, 0);
  });

  it('works on a key again that was added while it was worked on', async () => {
    const { clock, queue, begun } = slowly(10);
    queue.add('a');
    await clock.advance(5);
    queue.add('a');
    queue.add('a');
    await clock.advance(100);
    assert.deepEqual(begun, ['0 a', '10 a']);
  });

  it('looks again after the time that the work asks for', async () => {
    const { clock, queue, begun } = slowly(0, { a: 500 });
    queue.add('a');
    await clock.advance(1200);
    assert.deepEqual(begun, ['0 a', '500 a', '1000 a']);
    await queue.stop();
    assert.equal(clock.pending, 0);
  });

  it('doubles the wait at each failure in a row up to a limit, and begins anew after a success', async () => {
    let failing = true;
    const { clock, queue, failures } = setUp(async () => {
      if (failing) throw new Error('no');
      return undefined;
    });
    queue.add('a');
    await clock.advance(4500);
    assert.deepEqual(
      failures.map((line) => line.split(' ')[0]),
      ['0', '100', '300', '700', '1500', '2500', '3500', '4500'],
    );
    assert.match(failures[2] ?? '', /a no 3$/);
    failing = false;
    await clock.advance(1000);
    failing = true;
    failures.length = 0;
    queue.add('a');
    await clock.advance(100);
    assert.deepEqual(
      failures.map((line) => line.split(' ').at(-1)),
      ['1', '2'],
    );
  });

  it('cuts a wait short for what is urgent, not for a resync', async () => {
    const { clock, queue, failures } = setUp(async () => {
      throw new Error('no');
    });
    queue.add('a');
    await clock.advance(10);
    queue.add('a', false);
    await clock.advance(10);
    assert.equal(failures.length, 1);
    queue.add('a');
    await clock.advance(0);
    assert.deepEqual(
      failures.map((line) => line.split(' ')[0]),
      ['0', '20'],
    );
    await clock.advance(199);
    assert.equal(failures.length, 2, 'the wait that was cut short does not fire as well');
    await clock.advance(1);
    assert.equal(failures.length, 3);
  });

  it('looks at a resync at what only asked to be looked at again later', async () => {
    const begun: number[] = [];
    const { clock, queue } = setUp(async () => {
      begun.push(clock.monotonicMs());
      return 300_000;
    });
    queue.add('a');
    await clock.advance(60_000);
    queue.add('a', false);
    await clock.advance(299_999);
    assert.deepEqual(begun, [0, 60_000]);
    await clock.advance(1);
    assert.deepEqual(begun, [0, 60_000, 360_000]);
  });

  it('keeps the wait after a failure when only a resync came meanwhile', async () => {
    const begun: number[] = [];
    const { clock, queue } = setUp(async () => {
      begun.push(clock.monotonicMs());
      await clock.sleep(50);
      throw new Error('no');
    });
    queue.add('a');
    await clock.advance(10);
    queue.add('a', false);
    await clock.advance(139);
    assert.deepEqual(begun, [0]);
    await clock.advance(11);
    queue.add('a', false);
    queue.add('a');
    queue.add('a', false);
    await clock.advance(50);
    assert.deepEqual(begun, [0, 150, 200], 'what is urgent does not wait');
  });

  it('tells the work how often it has failed', async () => {
    const told: number[] = [];
    const { clock, queue } = setUp(async (_, failures) => {
      told.push(failures);
      if (failures < 2) throw new Error('no');
      return undefined;
    });
    queue.add('a');
    await clock.advance(1000);
    queue.add('a');
    await clock.advance(0);
    assert.deepEqual(told, [0, 1, 2, 0, 1].slice(0, told.length));
    assert.equal(told.length, 4);
  });

  it('stops when what is being worked on has ended, and takes nothing new', async () => {
    const { clock, queue, begun } = slowly(50, { a: 10 });
    for (const key of ['a', 'b']) queue.add(key);
    queue.addLater('c', 5);
    await clock.advance(10);
    let stopped = false;
    const stopping = queue.stop().then(() => {
      stopped = true;
    });
    queue.add('d');
    queue.addLater('e', 1);
    await clock.advance(39);
    assert.equal(stopped, false);
    await clock.advance(1);
    await stopping;
    await clock.advance(1000);
    assert.deepEqual(begun, ['0 a']);
    assert.equal(clock.pending, 0);
    await queue.stop();
  });

  it('never works on a key twice at a time nor on too many, and on each key after its last add', () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(
          fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), afterMs: fc.nat(40), urgent: fc.boolean() }),
          { maxLength: 60 },
        ),
        fc.infiniteStream(fc.record({ tookMs: fc.nat(60), fails: fc.boolean() })),
        async (concurrency, adds, fates) => {
          const active = new Set<string>();
          const lastBegin = new Map<string, number>();
          const lastAdd = new Map<string, number>();
          let order = 0;
          const { clock, queue } = setUp(async (key) => {
            assert.ok(!active.has(key), `${key} twice`);
            active.add(key);
            assert.ok(active.size <= concurrency, `${active.size} at once`);
            lastBegin.set(key, ++order);
            const { tookMs, fails } = fates.next().value;
            await clock.sleep(tookMs);
            active.delete(key);
            if (fails) throw new Error('no');
            return undefined;
          }, concurrency);
          for (const { key, afterMs, urgent } of adds) {
            await clock.advance(afterMs);
            lastAdd.set(key, ++order);
            queue.add(key, urgent);
          }
          assert.ok(await clock.advanceUntilIdle(1_000_000), 'it comes to rest');
          assert.equal(queue.length, 0);
          for (const [key, at] of lastAdd) assert.ok((lastBegin.get(key) ?? 0) > at, `${key} was forgotten`);
        },
      ),
      { numRuns: 60 },
    ));
});
