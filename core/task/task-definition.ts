/**
 * How a task is carried out: an async function that can be started again at the phase that it wrote
 * last. A daemon that dies in the middle leaves the document; the next one calls the function again.
 * @module
 */
import { PvcError } from '../error/error.ts';
import type { Logger } from '../host/log.ts';
import type { TaskSpec } from './task-kind.ts';

export interface TaskRun<Data = unknown> {
  readonly id: string;
  readonly spec: TaskSpec;
  /** The phase that was written last; '' at the first start. */
  readonly phase: string;
  /** What was written with it. */
  readonly data: Data | undefined;
  /** True when an earlier run was cut off. */
  readonly resumed: boolean;
  /** Aborts at the deadline, on `task cancel`, and when the daemon stops. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Milliseconds left until the task's deadline. */
  readonly leftMs: number;
  /** Writes down where the task is. Once it returns, a crash continues from here and not before. */
  advance(phase: string, update?: { message?: string; progress?: number; data?: Data }): Promise<void>;
  /** Tells how far it is; written at most once a second, may be lost. */
  progress(fraction: number, message?: string): void;
}

export interface TaskDefinition<Data = unknown> {
  /** `vm.restart`. */
  readonly action: string;
  readonly summary: string;
  /** Does it from `run.phase` on; resolves with the result, only when it is done. A rejection is the task's failure. */
  readonly run: (run: TaskRun<Data>) => Promise<unknown>;
  /** Called once when it was cancelled or timed out, and `run` did not come to its end all the same: put things into a defined state. */
  readonly abandoned?: (
    run: Pick<TaskRun<Data>, 'id' | 'spec' | 'phase' | 'data' | 'log'>,
    why: 'cancelled' | 'timeout',
  ) => Promise<void>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the runner holds tasks of every shape
export type AnyTaskDefinition = TaskDefinition<any>;

export const defineTask = <Data = unknown>(definition: TaskDefinition<Data>): TaskDefinition<Data> => definition;

/**
 * The state of the cluster could not be reached: to a task that is what a crash of the daemon is. It is begun again by
 * itself, so nothing is to be undone.
 */
export const isStoreAway = (error: unknown): boolean =>
  error instanceof PvcError && (error.code === 'STORE_UNAVAILABLE' || error.code === 'STORE_UNKNOWN');

/** How a task writes: one that names no node is the primary's, and writes nothing once another is primary. */
export const writtenBy = ({ spec }: Pick<TaskRun, 'spec'>): { readonly asPrimary: boolean } => ({
  asPrimary: spec.node === undefined,
});

/**
 * Does what a task does and, when that fails for good, takes it back. One that was only cut off is begun again, or its
 * `abandoned` is called: then nothing is taken back here.
 * @throws what `act` throws
 */
export async function orUndo<T>(
  run: Pick<TaskRun, 'signal'>,
  act: () => Promise<T>,
  undo: (error: unknown) => Promise<unknown>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!run.signal.aborted && !isStoreAway(error)) await undo(error);
    throw error;
  }
}

/**
 * The ends of a task that is done or taken back: `defineTask({ action, summary, ...orTakenBack(act, undo) })`.
 * @param undo after a failure, and once it was cancelled or timed out
 */
export const orTakenBack = <Data = unknown>(
  act: (run: TaskRun<Data>) => Promise<unknown>,
  undo: (run: Pick<TaskRun<Data>, 'id' | 'spec' | 'phase' | 'data' | 'log'>) => Promise<void>,
): Required<Pick<TaskDefinition<Data>, 'run' | 'abandoned'>> => ({
  run: (run) =>
    orUndo(
      run,
      () => act(run),
      () => undo(run),
    ),
  abandoned: undo,
});
