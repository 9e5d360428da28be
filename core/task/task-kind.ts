/**
 * A task: a verb in progress. Its document says who runs it, how far it is and how it ended; a daemon
 * that takes it up after a crash continues at the phase that was written last.
 * @module
 */
import { z } from 'zod';
import { defineKind } from '../model/kind.ts';
import { nodeName } from '../model/names.ts';

export const taskSpec = z.strictObject({
  /** The declared task: `vm.restart`. */
  action: z.string(),
  target: z.strictObject({ kind: z.string(), id: z.string(), label: z.string() }),
  /** Whose daemon runs it; absent: the primary's. */
  node: nodeName.optional(),
  input: z.unknown(),
  requestedBy: z.string(),
  createdMs: z.int(),
  timeoutMs: z.int().min(1),
  /** Somebody asked for it to be ended early. */
  cancel: z.boolean(),
});
export type TaskSpec = z.infer<typeof taskSpec>;

export const taskStates = ['pending', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export const taskStatus = z.strictObject({
  state: z.enum(taskStates),
  /** Where to continue; each task's own words. */
  phase: z.string(),
  /** 0 to 1. */
  progress: z.number().min(0).max(1),
  message: z.string(),
  /** What the task needs to continue at its phase. */
  data: z.unknown(),
  /** How often a daemon has taken it up; more than 1 after a crash. */
  attempts: z.int(),
  owner: nodeName.optional(),
  startedMs: z.int().optional(),
  endedMs: z.int().optional(),
  error: z.strictObject({ code: z.string(), message: z.string(), hint: z.string() }).optional(),
  result: z.unknown().optional(),
});
export type TaskStatus = z.infer<typeof taskStatus>;

export const taskEnded = (status: TaskStatus | undefined): boolean =>
  status !== undefined && ['succeeded', 'failed', 'cancelled'].includes(status.state);

export const task = defineKind<TaskSpec, TaskStatus>({
  name: 'task',
  plural: 'tasks',
  version: 1,
  id: z.string().regex(/^[0-9a-z]{12,26}$/, 'a task id is 12 to 26 of 0-9 and a-z'),
  spec: taskSpec,
  status: taskStatus,
  // While it is not ended it holds its target, so that no two tasks work on one object.
  unique: (spec, status) => ({ target: taskEnded(status) ? [] : [`${spec.target.kind}:${spec.target.id}`] }),
  // One that has ended is nobody's business any more.
  concerns: (spec, status) => (taskEnded(status) ? [] : [spec.node]),
  label: (spec) => spec.action,
});
