/** `pvc task wait`: waits for one task and ends as it ended. @module */
import { interruptedExit } from './cli-errors.ts';
import type { CommandContext } from './command-context.ts';
import { answerText } from './print-answer.ts';
import { outcomeLine, taskError, waitTasks } from './wait-tasks.ts';

/**
 * @returns 0 when it succeeded, 130 after Ctrl-C
 * @throws PvcError with the task's own code, TASK_CANCELLED, WAIT_TIMEOUT
 */
export async function awaitTask(id: string, timeoutMs: number | undefined, context: CommandContext): Promise<number> {
  const { terminal, format, host } = context;
  const client = await context.connect();
  const waited = await waitTasks([id], { client, terminal, clock: host.clock, timeoutMs });
  if (waited.outcome === 'interrupted') return interruptedExit;
  for (const task of waited.tasks) {
    if (format === 'pretty') terminal.write(`${outcomeLine(task, terminal)}\n`);
    else terminal.write(await answerText(task, format, { nameField: 'id', command: 'task wait' }, terminal));
    const failed = taskError(task);
    if (failed !== undefined) throw failed;
  }
  return 0;
}
