/** Waits for the end of a task by looking at it: quickly at first, once a second later. @module */
import { PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import type { TaskView } from '../task/task-view.ts';

export interface WaitOptions {
  /** Gets each state on the way that differs from the one before. */
  readonly onProgress?: ((task: TaskView) => void) | undefined;
  /** Stops waiting; the task goes on. */
  readonly signal?: AbortSignal | undefined;
}

const firstPauseMs = 50;
const longestPauseMs = 1_000;
/** A daemon that is restarted meanwhile is waited for that long; the task outlives it. */
const patienceMs = 60_000;

const ended = (task: Pick<TaskView, 'state'>): boolean => task.state !== 'pending' && task.state !== 'running';

/**
 * Resolves with the task once it has ended, however it ended.
 * @throws PvcError of the look that failed, when it goes on failing; the signal's reason when that aborts
 */
export async function waitTask(
  look: () => Promise<TaskView>,
  clock: Clock,
  { onProgress, signal }: WaitOptions,
): Promise<TaskView> {
  let pauseMs = firstPauseMs;
  let last = '';
  let seenMs = clock.monotonicMs();
  for (;;) {
    signal?.throwIfAborted();
    try {
      const task = await look();
      seenMs = clock.monotonicMs();
      if (ended(task)) return task;
      const text = JSON.stringify(task);
      if (text !== last) {
        last = text;
        pauseMs = firstPauseMs;
        onProgress?.(task);
      }
    } catch (error) {
      signal?.throwIfAborted();
      const mayPass = last !== '' && error instanceof PvcError && error.exit === 'unreachable';
      if (!mayPass || clock.monotonicMs() - seenMs >= patienceMs) throw error;
    }
    await clock.sleep(pauseMs, signal);
    pauseMs = Math.min(longestPauseMs, Math.ceil(pauseMs * 1.5));
  }
}
