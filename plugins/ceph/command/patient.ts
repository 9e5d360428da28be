/** Tasks outlast a storage that is away for a while: monitors elect, nodes restart. @module */
import { type Host, PvcError, type TaskRun } from '../../../core/plugin/api.ts';

const pauseMs = 2_000;

/**
 * Does it again and again while Ceph does not answer, until the task's deadline. What it does must be good to do twice:
 * an answer that was lost may have been a success.
 */
export async function patiently<T>(
  { clock }: Pick<Host, 'clock'>,
  run: Pick<TaskRun, 'signal' | 'log'>,
  act: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (run.signal.aborted || !(error instanceof PvcError) || error.code !== 'CEPH_AWAY') throw error;
      run.log.warn('the storage does not answer; the task waits for it', { reason: error.message });
      await clock.sleep(pauseMs, run.signal);
    }
  }
}
