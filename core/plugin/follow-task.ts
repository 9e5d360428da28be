/** A task that somebody waits for who may leave. @module */
import { errorText, recalledError } from '../error/error.ts';
import type { MutationAnswer } from '../operation/execute.ts';
import type { UploadRun } from '../operation/stream-types.ts';
import { task as taskKind } from '../task/task-kind.ts';
import type { Runtime } from './runtime.ts';

const lookMs = 250;

/**
 * Waits for a task that was begun for a caller, and ends it when the caller leaves.
 * @throws PvcError the task's own error
 */
export async function followTask(
  runtime: Pick<Runtime, 'host' | 'documents' | 'perform'>,
  id: string,
  signal: AbortSignal,
  progress: (message: string, share: number) => void,
): Promise<void> {
  const { host, documents } = runtime;
  let left = false;
  for (;;) {
    const doc = await documents.need(taskKind, id);
    const { state, error, message = '', progress: share = 0 } = doc.status ?? {};
    if (state === 'succeeded') return;
    if (state === 'failed' || state === 'cancelled') {
      signal.throwIfAborted();
      throw recalledError(error ?? { code: 'TASK_FAILED', message: `${doc.spec.action} ${state}`, hint: '' });
    }
    if (signal.aborted && !left) {
      left = true;
      await runtime
        .perform('task.cancel', { task: id })
        .catch((reason: unknown) =>
          host.log.debug('a task that ends by itself is not ended', { task: id, reason: errorText(reason) }),
        );
    }
    progress(message, share);
    // Also for a caller who has left: the file may go only when the task does not read it any more.
    await host.clock.sleep(lookMs);
  }
}

/**
 * Does an operation on what was uploaded: the caller hears its warnings and how far its tasks are, and ends them by leaving.
 * Resolves when they have ended.
 * @throws PvcError what refuses it, or the error of a task
 */
export async function performFor(
  run: Pick<UploadRun, 'signal' | 'progress' | 'warn'>,
  runtime: Pick<Runtime, 'host' | 'documents' | 'perform'>,
  operation: string,
  input: unknown,
): Promise<MutationAnswer> {
  const answer = await runtime.perform(operation, input);
  for (const warning of answer.warnings) run.warn(warning);
  for (const task of answer.tasks)
    await followTask(runtime, task, run.signal, (message, share) => run.progress(message, share));
  return answer;
}
