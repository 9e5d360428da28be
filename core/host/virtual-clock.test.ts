import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { VirtualClock } from './virtual-clock.ts';

describe('virtual clock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new VirtualClock({ monotonicMs: 100, wallMs: 5000 });
    let fired = false;
    clock.after(0, () => {
      fired = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual([clock.monotonicMs(), clock.wallMs(), fired], [100, 5000, false]);
    await clock.advance(250);
    assert.deepEqual([clock.monotonicMs(), clock.wallMs(), fired], [350, 5250, true]);
    clock.stepWall(-1000);
    assert.deepEqual([clock.monotonicMs(), clock.wallMs()], [350, 4250]);
  });

  it('fires timers in the order of time, ties in the order of setting, each at its own time', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 60 }), fc.array(fc.nat(59)), async (delays, cancelled) => {
        const clock = new VirtualClock();
        const fired: [number, number][] = [];
        const cancels = delays.map((ms, n) => clock.after(ms, () => fired.push([clock.monotonicMs(), n])));
        for (const n of cancelled) cancels[n]?.();
        const expected = delays
          .map((ms, n): [number, number] => [ms, n])
          .filter(([, n]) => !cancelled.includes(n))
          .sort(([a, n], [b, m]) => a - b || n - m);
        assert.equal(clock.pending, expected.length);
        await clock.advance(20);
        assert.deepEqual(fired, expected);
        assert.equal(clock.pending, 0);
      }),
    ));

  it('lets everything that waits for a timer run before the next one', async () => {
    const clock = new VirtualClock();
    const log: string[] = [];
    const deep = async (n: number): Promise<void> => {
      if (n > 0) await deep(n - 1);
      await Promise.resolve();
    };
    const walk = async (name: string, step: number): Promise<void> => {
      for (let n = 1; n <= 3; n += 1) {
        await clock.sleep(step);
        await deep(50);
        log.push(`${clock.monotonicMs()} ${name}`);
      }
    };
    void walk('a', 10);
    void walk('b', 15);
    await clock.advance(100);
    assert.deepEqual(log, ['10 a', '15 b', '20 a', '30 b', '30 a', '45 b']);
  });

  it('runs the same program the same way', async () => {
    const run = async (): Promise<string[]> => {
      const clock = new VirtualClock();
      const log: string[] = [];
      const worker = async (n: number): Promise<void> => {
        for (let turn = 0, at = n; turn < 20; turn += 1, at = (at * 7 + 13) % 503) {
          await clock.sleep(at % 11);
          log.push(`${clock.monotonicMs()}:${n}`);
        }
      };
      for (let n = 1; n < 10; n += 1) void worker(n);
      await clock.advanceUntilIdle(100_000);
      return log;
    };
    const first = await run();
    assert.equal(first.length, 9 * 20);
    assert.deepEqual(await run(), first);
  });

  it('ends a sleep by its signal, with the reason, and leaves no timer', async () => {
    const clock = new VirtualClock();
    const abort = new AbortController();
    const slept = clock.sleep(1000, abort.signal);
    abort.abort(new Error('enough'));
    await assert.rejects(slept, /enough/);
    await assert.rejects(clock.sleep(1000, abort.signal), /enough/);
    assert.equal(clock.pending, 0);
  });

  it('advances until idle, or as far as allowed', async () => {
    const clock = new VirtualClock();
    clock.after(10, () => clock.after(25, () => {}));
    assert.equal(await clock.advanceUntilIdle(1000), true);
    assert.equal(clock.monotonicMs(), 35);
    const again = (): void => void clock.after(10, again);
    again();
    assert.equal(await clock.advanceUntilIdle(105), false);
    assert.equal(clock.monotonicMs(), 140);
  });

  it('passes on what a timer throws and can go on', async () => {
    const clock = new VirtualClock();
    clock.after(5, () => {
      throw new Error('broken');
    });
    await assert.rejects(clock.advance(10), /broken/);
    assert.equal(clock.monotonicMs(), 5);
    await clock.advance(10);
    assert.equal(clock.monotonicMs(), 15);
  });

  it('refuses to be advanced twice at once', async () => {
    const clock = new VirtualClock();
    const first = clock.advance(10);
    await assert.rejects(clock.advance(10), /already/);
    await first;
  });
});
