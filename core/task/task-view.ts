/**
 * A task as callers see it: its request and its state in one object, without its input (which may hold
 * what not everybody may read).
 * @module
 */
import { z } from 'zod';
import type { Doc } from '../model/kind.ts';
import { type TaskSpec, type TaskStatus, taskStates } from './task-kind.ts';

export const taskView = z.object({
  id: z.string().describe('Id of the task; sorts by the time it was made'),
  action: z.string().describe('What it does, as vm.restart'),
  target: z.object({ kind: z.string(), id: z.string(), label: z.string() }).describe('The object that it is about'),
  node: z.string().optional().describe('Node whose daemon runs it; absent: the primary'),
  state: z.enum(taskStates),
  phase: z.string().describe('Where it stands, in its own words'),
  progress: z.number().describe('0 to 1'),
  message: z.string(),
  cancel: z.boolean().describe('Somebody asked for it to end early'),
  requestedBy: z.string(),
  createdMs: z.int(),
  timeoutMs: z.int(),
  attempts: z.int().describe('How often a daemon has taken it up; more than 1 after a crash'),
  owner: z.string().optional(),
  startedMs: z.int().optional(),
  endedMs: z.int().optional(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string() }).optional(),
  result: z.unknown().optional(),
});
export type TaskView = z.infer<typeof taskView>;

/** The view of a task's document. */
export function taskViewOf(doc: Doc<TaskSpec, TaskStatus>): TaskView {
  const { id, spec, status } = doc;
  return {
    id,
    action: spec.action,
    target: spec.target,
    ...(spec.node === undefined ? {} : { node: spec.node }),
    state: status?.state ?? 'pending',
    phase: status?.phase ?? '',
    progress: status?.progress ?? 0,
    message: status?.message ?? '',
    cancel: spec.cancel,
    requestedBy: spec.requestedBy,
    createdMs: spec.createdMs,
    timeoutMs: spec.timeoutMs,
    attempts: status?.attempts ?? 0,
    ...(status?.owner === undefined ? {} : { owner: status.owner }),
    ...(status?.startedMs === undefined ? {} : { startedMs: status.startedMs }),
    ...(status?.endedMs === undefined ? {} : { endedMs: status.endedMs }),
    ...(status?.error === undefined ? {} : { error: status.error }),
    ...(status?.result === undefined ? {} : { result: status.result }),
  };
}

/** True when nothing more will happen to it. */
export const taskViewEnded = (view: Pick<TaskView, 'state'>): boolean =>
  view.state !== 'pending' && view.state !== 'running';

/** What a client can do about tasks beside calling operations. */
export interface TaskWaiting {
  /**
   * Resolves with the task once it has ended, however it ended. `onProgress` gets each state on the way.
   * Rejects with the signal's reason when that aborts; the task itself goes on.
   */
  wait(
    taskId: string,
    options?: { readonly onProgress?: (task: TaskView) => void; readonly signal?: AbortSignal },
  ): Promise<TaskView>;
}
