/** `pvc task wait`: waits for one task and ends as it ended. @module */
import type { CliRun } from '../operation/cli-spec.ts';
import { interruptedExit } from './cli-errors.ts';
import { answerText } from './print-answer.ts';
import { SessionTerminal } from './session-terminal.ts';
import { outcomeLine, taskError, waitTasks } from './wait-tasks.ts';

/**
 * @returns 0 when it succeeded, 130 after Ctrl-C
 * @throws PvcError with the task's own code, TASK_CANCELLED, WAIT_TIMEOUT
 */
export async function awaitTask(id: string, timeoutMs: number | undefined, run: CliRun): Promise<number> {
  const { client, terminal, format } = run;
  if (!(terminal instanceof SessionTerminal)) throw new Error('waiting needs the terminal of the command line');
  const waited = await waitTasks([id], { client, terminal, clock: terminal.clock, timeoutMs });
  if (waited.outcome === 'interrupted') return interruptedExit;
  for (const task of waited.tasks) {
    if (format === 'pretty') terminal.write(`${outcomeLine(task, terminal)}\n`);
    else terminal.write(await answerText(task, format, { nameField: 'id', command: 'task wait' }, terminal));
    const failed = taskError(task);
    if (failed !== undefined) throw failed;
  }
  return 0;
}
