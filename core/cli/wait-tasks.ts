/**
 * Waits for tasks and shows how they get on: one line in place on a terminal, a line for each phase
 * elsewhere. The tasks do not depend on this: whoever stops waiting stops nothing.
 * @module
 */
import { PvcError, recalledError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { paintState } from '../render/colour.ts';
import { formatDuration } from '../render/quantity.ts';
import { type TaskView, taskViewEnded } from '../task/task-view.ts';
import { cliError } from './cli-errors.ts';
import type { ConnectedClient } from './command-context.ts';
import { frameMs, progressBar, redraw } from './progress-line.ts';
import { isPvcError } from './render-error.ts';
import type { SessionTerminal } from './session-terminal.ts';

export interface WaitParts {
  readonly client: Pick<ConnectedClient, 'wait'>;
  readonly terminal: SessionTerminal;
  readonly clock: Clock;
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
}

export type WaitOutcome =
  | { readonly outcome: 'ended'; readonly tasks: readonly TaskView[]; readonly durationMs: number }
  /** Ctrl-C: what to do next has been said. */
  | { readonly outcome: 'interrupted' };

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** `vm.restart web1` */
export const taskTitle = (task: Pick<TaskView, 'action' | 'target'>): string => `${task.action} ${task.target.label}`;

/** @throws PvcError WAIT_TIMEOUT, or what the client threw; the tasks go on in either case */
export async function waitTasks(ids: readonly string[], parts: WaitParts): Promise<WaitOutcome> {
  const { client, terminal, clock, timeoutMs } = parts;
  const startedMs = clock.monotonicMs();
  const seen = new Map<string, TaskView>();
  const expired = new AbortController();
  const cancelTimeout =
    timeoutMs === undefined ? () => {} : clock.after(timeoutMs, () => expired.abort(new Error('timeout')));
  const stopTicking = redraw(
    () => terminal.status(statusLine(ids, seen, clock.monotonicMs() - startedMs, terminal)),
    terminal,
    clock,
  );
  const signal = AbortSignal.any([terminal.signal, expired.signal]);
  const progressed = (task: TaskView): void => {
    const before = seen.get(task.id);
    seen.set(task.id, task);
    if (terminal.showsStatus) return;
    const moved = before === undefined || before.phase !== task.phase || before.state !== task.state;
    if (moved && !taskViewEnded(task))
      terminal.note(
        `${taskTitle(task)}: ${[task.state === 'running' ? task.phase : task.state, task.message].filter((part) => part !== '').join(', ') || task.state}\n`,
      );
  };
  try {
    const waits = ids.map(async (id) => {
      const task = await client.wait(id, { onProgress: progressed, signal });
      progressed(task);
      return task;
    });
    const tasks = await Promise.all(waits);
    return { outcome: 'ended', tasks, durationMs: clock.monotonicMs() - startedMs };
  } catch (error) {
    const open = ids.filter((id) => !taskViewEnded(seen.get(id) ?? { state: 'pending' }));
    terminal.status(undefined);
    if (terminal.signal.aborted) {
      for (const id of open)
        terminal.warn(`Task ${id} goes on. Follow it: pvc task wait ${id}   End it: pvc task cancel ${id}\n`);
      return { outcome: 'interrupted' };
    }
    if (expired.signal.aborted) {
      const [id = ''] = open;
      throw cliError('WAIT_TIMEOUT', {
        task: open.join(', '),
        action: seen.get(id)?.action ?? 'unknown',
        duration: formatDuration(timeoutMs ?? 0),
      });
    }
    // A task that does not exist cannot go on.
    const gone = isPvcError(error) && error.exit === 'notFound';
    for (const id of gone ? [] : open) terminal.warn(`Task ${id} goes on. Follow it: pvc task wait ${id}\n`);
    throw error;
  } finally {
    cancelTimeout();
    stopTicking();
    terminal.status(undefined);
  }
}

function statusLine(
  ids: readonly string[],
  seen: ReadonlyMap<string, TaskView>,
  elapsedMs: number,
  terminal: SessionTerminal,
): string {
  const frame = frames[Math.floor(elapsedMs / frameMs) % frames.length] ?? '';
  const open = ids.filter((id) => !taskViewEnded(seen.get(id) ?? { state: 'pending' }));
  const task = seen.get(open[0] ?? ids[0] ?? '');
  const count = ids.length > 1 ? ` ${ids.length - open.length}/${ids.length}` : '';
  const elapsed = formatDuration(Math.floor(elapsedMs / 1000) * 1000);
  if (task === undefined) return `${frame}${count} waiting, ${elapsed}`;
  const bar = progressBar(task.progress, terminal.errors);
  const words = [task.state === 'running' ? task.phase : task.state, task.message]
    .filter((part) => part !== '')
    .join(': ');
  return `${frame}${count} ${taskTitle(task)} ${bar} ${Math.round(task.progress * 100)} % ${elapsed}  ${words}`;
}

/** One line on how a task ended. */
export function outcomeLine(task: TaskView, context: { readonly colour: boolean }): string {
  const took =
    task.endedMs === undefined ? '' : ` in ${formatDuration(task.endedMs - (task.startedMs ?? task.createdMs))}`;
  return `${taskTitle(task)}: ${paintState(task.state, context)}${took}`;
}

/** The error of a task that did not succeed, with the exit code of its own code; undefined when it did. */
export function taskError(task: TaskView): PvcError | undefined {
  if (task.state === 'succeeded' || !taskViewEnded(task)) return undefined;
  if (task.error === undefined && task.state === 'cancelled')
    return cliError('TASK_CALLED_OFF', { action: taskTitle(task), task: task.id });
  if (task.error === undefined)
    return cliError('TASK_FAILED', {
      action: taskTitle(task),
      reason: 'it does not say why',
      hint: `See \`pvc task show ${task.id}\`.`,
    });
  const told = recalledError({ ...task.error, message: `${taskTitle(task)} ${task.state}: ${task.error.message}` });
  return task.state === 'cancelled'
    ? new PvcError(told.code, told.message, { hint: told.hint, http: told.http, exit: 'cancelled' })
    : told;
}
