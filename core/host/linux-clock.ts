/** The real clock: CLOCK_MONOTONIC through libuv, and Node's timers. @module */
import type { Clock } from './clock.ts';

/** Longest delay that a Node timer holds (2^31 - 1 ms); a longer one would fire at once. */
const longestTimerMs = 2_147_483_647;

/** Node's timer, in as many laps as a long delay needs. Returns the way to cancel it. */
function startTimer(ms: number, fn: () => void): () => void {
  let left = Number.isFinite(ms) ? Math.max(0, ms) : longestTimerMs;
  let timer: NodeJS.Timeout;
  const lap = (): void => {
    const wait = Math.min(left, longestTimerMs);
    left -= wait;
    timer = setTimeout(() => (left > 0 ? lap() : fn()), wait);
  };
  lap();
  return () => clearTimeout(timer);
}

/** The machine's clock. libuv reads CLOCK_MONOTONIC for `process.hrtime`, so it is shared by all processes. */
export const linuxClock: Clock = {
  monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
  wallMs: () => Date.now(),
  after: startTimer,
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = (): void => {
        cancel();
        reject(signal?.reason as Error);
      };
      const cancel = startTimer(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  },
};
