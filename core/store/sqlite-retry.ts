/** Waiting for a lock that another process holds, without blocking this thread for long. @module */
import type { Clock } from '../host/clock.ts';
import { isBusy, storeErrorOf } from './sqlite-error.ts';

/** One try waits this long inside SQLite, blocking the thread: enough for another process's usual commit. */
export const lockWaitMs = 20;

/** Between two tries other work of this process goes on. */
const pauseMs = 10;

/**
 * Runs `attempt` until it is not turned away by a lock, for at most `patienceMs`.
 * @throws PvcError STORE_UNAVAILABLE when the lock stays; whatever else `attempt` throws; the signal's reason
 */
export async function retryWhileBusy<T>(
  clock: Clock,
  path: string,
  patienceMs: number,
  attempt: () => T,
  signal?: AbortSignal,
): Promise<T> {
  const untilMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (clock.monotonicMs() >= untilMs) throw storeErrorOf(error, path);
    }
    await clock.sleep(pauseMs, signal);
  }
}
