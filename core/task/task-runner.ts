/**
 * Carries out the tasks of this node: takes up those that are not ended (new ones, and those that an
 * earlier life of the daemon left), writes their progress, and ends them.
 * @module
 */
import { defineErrors, errorText, PvcError } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import type { Logger } from '../host/log.ts';
import { within } from '../host/within.ts';
import type { Doc } from '../model/kind.ts';
import { type Documents } from '../store/documents.ts';
import type { Dirty, Op } from '../store/store.ts';
import { type AnyTaskDefinition, isStoreAway, type TaskRun } from './task-definition.ts';
import { type TaskSpec, type TaskStatus, task, taskEnded } from './task-kind.ts';

export const taskError = defineErrors({
  TASK_CANCELLED: {
    message: 'Task {task} ({action}) was cancelled.',
    hint: 'What it had done is shown by the object itself.',
    http: 409,
    exit: 'cancelled',
  },
  TASK_TIMEOUT: {
    message: 'Task {task} ({action}) did not end within {seconds} s.',
    hint: 'The object shows what state it is in; try again.',
    http: 504,
    exit: 'failed',
  },
  TASK_UNKNOWN: {
    message: 'No plugin on this node knows the task {action}.',
    hint: 'See `pvc plugin list` on that node.',
    http: 501,
    exit: 'failed',
  },
});

export interface TaskRunnerParts {
  readonly host: Pick<Host, 'clock' | 'log'>;
  readonly documents: Documents;
  readonly node: string;
  readonly definitions: ReadonlyMap<string, AnyTaskDefinition>;
  /** Whether tasks without a node are this daemon's to run. */
  readonly isPrimary: () => boolean;
  /** What writes of such tasks carry; throws when this node is not primary any more. */
  readonly guard: (what: string) => Op[];
  /** Called when a task has ended, so that the controllers look at its target. */
  readonly ended: (target: TaskSpec['target']) => void;
}

type TaskDoc = Doc<TaskSpec, TaskStatus>;

const freshStatus: TaskStatus = { state: 'pending', phase: '', progress: 0, message: '', data: null, attempts: 0 };
/** Time to write the end of a task while the store is away. */
const storePatienceMs = 60_000;
/** Pause before something is tried again for which the store was away. */
const againMs = 1_000;
/** Time that what was cut off has to come to rest, before `abandoned` puts right what it leaves. */
const restTimeoutMs = 10_000;
/** Time that a task's `abandoned` has. */
const abandonTimeoutMs = 60_000;

export class TaskRunner {
  readonly #parts: TaskRunnerParts;
  readonly #running = new Map<
    string,
    { readonly ofPrimary: boolean; readonly cancel: (why: Error) => void; readonly done: Promise<void> }
  >();
  #stopping = false;

  constructor(parts: TaskRunnerParts) {
    this.#parts = parts;
  }

  /** Looks at the tasks that changed, or at all of them. */
  async changed(dirty: Dirty): Promise<void> {
    const { documents, node, isPrimary } = this.#parts;
    if (dirty.resync) {
      // Those that were ended meanwhile are in no list any more.
      for (const id of this.#running.keys()) await this.#look(id);
      for (const doc of await documents.listAt(task, node)) this.#consider(doc);
      // The primary's have no node.
      if (isPrimary()) for (const doc of await documents.list(task)) this.#consider(doc);
      return;
    }
    const ids = new Set(
      [...dirty.keys].filter((key) => key.startsWith(`/${task.name}/`)).map((key) => key.split('/')[2] ?? ''),
    );
    for (const id of ids) await this.#look(id);
  }

  async #look(id: string): Promise<void> {
    const doc = await this.#parts.documents.get(task, id);
    if (doc !== undefined) this.#consider(doc);
  }

  /** Lets go of the tasks without a node: they are the next primary's to continue. */
  leavePrimary(): void {
    for (const { ofPrimary, cancel } of this.#running.values()) if (ofPrimary) cancel(new Stopping('the role is lost'));
  }

  /** Lets go of all tasks, to be continued by the next life of the daemon. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { cancel } of this.#running.values()) cancel(new Stopping('the daemon stops'));
    await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #consider(doc: TaskDoc): void {
    const { node, isPrimary } = this.#parts;
    const running = this.#running.get(doc.id);
    if (running !== undefined) {
      // The node was taken for dead meanwhile, and what it worked on goes on elsewhere. Or it is what this daemon has just written.
      if (taskEnded(doc.status)) running.cancel(new Stopping('it was ended by the primary'));
      else if (doc.spec.cancel) running.cancel(taskError('TASK_CANCELLED', { task: doc.id, action: doc.spec.action }));
      return;
    }
    if (this.#stopping || taskEnded(doc.status)) return;
    if (doc.spec.node === undefined ? !isPrimary() : doc.spec.node !== node) return;
    const stop = new AbortController();
    const done = this.#takeUp(doc.id, stop.signal)
      .catch((error: unknown) =>
        // It is looked at again at the next change, and every half minute.
        this.#parts.host.log.warn('a task could not be taken up, or its end not be written', {
          task: doc.id,
          reason: errorText(error),
        }),
      )
      .finally(() => this.#running.delete(doc.id));
    this.#running.set(doc.id, { ofPrimary: doc.spec.node === undefined, cancel: (why) => stop.abort(why), done });
  }

  /** What was considered may be old: a task that has ended since must not run again. */
  async #takeUp(id: string, stop: AbortSignal): Promise<void> {
    const doc = await this.#parts.documents.get(task, id);
    if (doc !== undefined && !taskEnded(doc.status)) await this.#run(doc, stop);
  }

  async #run(first: TaskDoc, stop: AbortSignal): Promise<void> {
    const { host, node, definitions } = this.#parts;
    const log = host.log.child('task', { task: first.id, action: first.spec.action, target: first.spec.target.label });
    const writer = new StatusWriter(this.#parts, first);
    const definition = definitions.get(first.spec.action);
    const started = first.status ?? freshStatus;
    await writer.write({
      ...started,
      state: 'running',
      attempts: started.attempts + 1,
      owner: node,
      startedMs: started.startedMs ?? host.clock.wallMs(),
    });
    log.info(started.attempts > 0 ? `continues at "${started.phase}"` : 'starts');

    // The wall clock carries the deadline over restarts; from here on the monotonic one counts.
    const leftAtStartMs = Math.max(1, first.spec.createdMs + first.spec.timeoutMs - host.clock.wallMs());
    const deadlineMs = host.clock.monotonicMs() + leftAtStartMs;
    const deadline = new AbortController();
    const seconds = Math.round(first.spec.timeoutMs / 1000);
    const cancelTimer = host.clock.after(leftAtStartMs, () =>
      deadline.abort(taskError('TASK_TIMEOUT', { task: first.id, action: first.spec.action, seconds })),
    );
    const signal = AbortSignal.any([stop, deadline.signal]);

    let progressWrittenMs = host.clock.monotonicMs();
    const run: TaskRun = {
      id: first.id,
      spec: first.spec,
      get phase() {
        return writer.status.phase;
      },
      get data() {
        return writer.status.data ?? undefined;
      },
      resumed: started.attempts > 0,
      signal,
      log,
      get leftMs() {
        return Math.max(0, deadlineMs - host.clock.monotonicMs());
      },
      advance: async (phase, update = {}) => {
        signal.throwIfAborted();
        await writer.write({
          ...writer.status,
          phase,
          message: update.message ?? writer.status.message,
          progress: update.progress ?? writer.status.progress,
          data: update.data === undefined ? writer.status.data : update.data,
        });
      },
      progress: (fraction, message) => {
        // What goes on after its end must not be told any more.
        if (signal.aborted || host.clock.monotonicMs() - progressWrittenMs < 1_000) return;
        progressWrittenMs = host.clock.monotonicMs();
        writer
          .write({
            ...writer.status,
            progress: Math.min(1, Math.max(0, fraction)),
            message: message ?? writer.status.message,
          })
          .catch((error: unknown) => log.debug('progress not written', { reason: errorText(error) }));
      },
    };
    let work: Promise<unknown> | undefined;
    const succeed = async (result: unknown): Promise<void> => {
      await writer.end({
        ...writer.status,
        state: 'succeeded',
        progress: 1,
        endedMs: host.clock.wallMs(),
        ...(result === undefined ? {} : { result }),
      });
      log.info('succeeded');
    };
    try {
      if (first.spec.cancel) throw taskError('TASK_CANCELLED', { task: first.id, action: first.spec.action });
      if (definition === undefined) throw taskError('TASK_UNKNOWN', { action: first.spec.action });
      const aborted = new Promise<never>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
      );
      aborted.catch(() => undefined);
      work = this.#carryOut(definition, run);
      await succeed(await Promise.race([work, aborted]));
    } catch (error) {
      const left = error instanceof Stopping || signal.reason instanceof Stopping;
      if (left) {
        log.info(`is left at "${writer.status.phase}" for the next start`);
        return;
      }
      const cancelled = error instanceof PvcError && error.code === 'TASK_CANCELLED';
      // Also when it was cancelled before this daemon took it up: what an earlier one has begun, or its plan has written.
      const cutOff = (signal.aborted || cancelled) && definition?.abandoned !== undefined;
      const done = cutOff ? await this.#comesToRest(work) : undefined;
      if (done !== undefined) await succeed(done.result);
      else {
        if (cutOff) await this.#abandon(definition, run, cancelled ? 'cancelled' : 'timeout', log);
        const told =
          error instanceof PvcError
            ? { code: error.code, message: error.message, hint: error.hint }
            : { code: 'TASK_FAILED', message: errorText(error), hint: 'The log of the node has more.' };
        await writer.end({
          ...writer.status,
          state: cancelled ? 'cancelled' : 'failed',
          endedMs: host.clock.wallMs(),
          error: told,
        });
        log.warn(cancelled ? 'was cancelled' : `failed: ${told.message}`);
      }
    } finally {
      cancelTimer();
    }
    this.#parts.ended(first.spec.target);
  }

  /**
   * A store that is away for a moment is to a task what a crash of the daemon is: it is begun again, at the phase that
   * it wrote last.
   */
  async #carryOut(definition: AnyTaskDefinition, run: TaskRun): Promise<unknown> {
    for (;;) {
      try {
        return await definition.run(run);
      } catch (error) {
        if (!isStoreAway(error) || run.signal.aborted) throw error;
        run.log.info(`waits for the store at "${run.phase}"`, { reason: errorText(error) });
        await this.#parts.host.clock.sleep(againMs, run.signal);
      }
    }
  }

  /**
   * Waits until what was cut off is at rest. @returns what it came to, when it was at its last step: all is done then, and to
   * say that it was cancelled would be wrong
   */
  async #comesToRest(work: Promise<unknown> | undefined): Promise<{ readonly result: unknown } | undefined> {
    if (work === undefined) return undefined;
    const { clock } = this.#parts.host;
    try {
      return { result: await within(clock, restTimeoutMs, work, notDone(restTimeoutMs)) };
    } catch {
      // It was cut off, which is known; or it goes on, and is put right all the same.
      return undefined;
    }
  }

  async #abandon(
    definition: AnyTaskDefinition,
    run: TaskRun,
    why: 'cancelled' | 'timeout',
    log: Logger,
  ): Promise<void> {
    const { id, spec, phase, data } = run;
    const { clock } = this.#parts.host;
    const untilMs = clock.monotonicMs() + abandonTimeoutMs;
    const putRight = async (): Promise<void> => {
      for (;;) {
        try {
          return await definition.abandoned?.({ id, spec, phase, data, log }, why);
        } catch (error) {
          if (!isStoreAway(error) || clock.monotonicMs() + againMs >= untilMs) throw error;
          await clock.sleep(againMs);
        }
      }
    };
    try {
      await within(this.#parts.host.clock, abandonTimeoutMs, putRight(), notDone(abandonTimeoutMs));
    } catch (error) {
      log.error('putting things right after the end failed', { reason: errorText(error) });
    }
  }
}

/** The task must end all the same. */
const notDone = (ms: number) => (): Error => new Error(`not done within ${ms / 1000} s`);

/** Somebody else goes on with the task: it is neither failed nor cancelled. */
class Stopping extends Error {}

/** The one writer of a running task's status: one write after the other, over conflicts and a store that is away. */
class StatusWriter {
  readonly #parts: TaskRunnerParts;
  #doc: TaskDoc;
  status: TaskStatus;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: TaskRunnerParts, doc: TaskDoc) {
    this.#parts = parts;
    this.#doc = doc;
    this.status = doc.status ?? freshStatus;
  }

  write(status: TaskStatus): Promise<void> {
    this.status = status;
    const turn = this.#last.then(() => this.#commit(status));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  end(status: TaskStatus): Promise<void> {
    return this.write(status);
  }

  async #commit(status: TaskStatus): Promise<void> {
    const { host, documents } = this.#parts;
    const until = host.clock.monotonicMs() + storePatienceMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (attempt > 0 && this.#isWritten(status)) return;
        const { ops, topics } = documents.commitOf([{ do: 'status', kind: task, before: this.#doc, status }]);
        const guard = this.#doc.spec.node === undefined ? this.#guard() : [];
        const result = await documents.store.commit([...guard, ...ops], topics);
        if (result.outcome === 'conflict' && guard.some((op) => op.key === result.key))
          throw new Stopping('another node is primary');
        // Only this daemon writes the status, so after a conflict or a lost answer the newest document tells.
        if (result.outcome === 'unknown') throw result.cause;
        await this.#reread();
        if (result.outcome === 'ok' || this.#isWritten(status)) return;
      } catch (error) {
        if (error instanceof Stopping || host.clock.monotonicMs() >= until) throw error;
        await host.clock.sleep(Math.min(2_000, 100 * 2 ** Math.min(attempt, 5)));
        await this.#reread().catch(() => undefined);
      }
    }
  }

  /**
   * Whether the newest document has that status already. @throws Stopping when it has ended otherwise: its node was taken for
   * dead, what it worked on goes on elsewhere, and nothing may be written over that
   */
  #isWritten(status: TaskStatus): boolean {
    if (JSON.stringify(this.#doc.status) === JSON.stringify(status)) return true;
    if (taskEnded(this.#doc.status)) throw new Stopping('the primary has ended it');
    return false;
  }

  #guard(): Op[] {
    try {
      return this.#parts.guard(`task ${this.#doc.id}`);
    } catch (error) {
      throw new Stopping('another node may be primary', { cause: error });
    }
  }

  async #reread(): Promise<void> {
    this.#doc = await this.#parts.documents.need(task, this.#doc.id);
  }
}
