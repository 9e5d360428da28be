/**
 * The plan of a mutation: the documents it would write, the tasks it would start, what will happen
 * then, and warnings. Building one changes nothing.
 * @module
 */
import type { Doc, Kind } from '../model/kind.ts';
import type { AnyDoc, Write } from '../store/documents.ts';
import { type TaskSpec, task } from '../task/task-kind.ts';

export interface TaskRequest {
  /** A declared task, as `vm.restart`. */
  readonly action: string;
  /** The object that it is about; only one unfinished task per object is allowed. */
  readonly target: { readonly kind: string; readonly id: string; readonly label: string };
  /** The node whose daemon runs it; undefined: the primary. */
  readonly node: string | undefined;
  readonly input: unknown;
  /** It fails when it has not ended by then. */
  readonly timeoutMs: number;
}

export class PlanBuilder {
  readonly writes: Write[] = [];
  readonly warnings: string[] = [];
  /** Sentences: what will be done, in order, once this is committed. */
  readonly actions: string[] = [];
  readonly tasks: { readonly id: string; readonly spec: TaskSpec }[] = [];
  /** Objects that no task may be working on. */
  readonly idle: TaskRequest['target'][] = [];
  readonly #context: { readonly nowMs: number; readonly actor: string; newId(): string };

  constructor(context: { readonly nowMs: number; readonly actor: string; newId(): string }) {
    this.#context = context;
  }

  create<S, T>(kind: Kind<S, T>, id: string, spec: S, status?: T): void {
    this.writes.push(
      status === undefined ? { do: 'create', kind, id, spec } : { do: 'create', kind, id, spec, status },
    );
  }

  /** Replaces the spec, provided that nobody else changed it since it was read. A second call on one object replaces the first. */
  update<S, T>(kind: Kind<S, T>, before: Doc<S, T>, spec: S): void {
    const at = this.writes.findIndex(
      (write) => write.do === 'spec' && write.kind === kind && write.before.id === before.id,
    );
    const write: Write = { do: 'spec', kind, before: before as AnyDoc, spec };
    if (at === -1) this.writes.push(write);
    else this.writes[at] = write;
  }

  remove<S, T>(kind: Kind<S, T>, before: Doc<S, T>): void {
    this.writes.push({ do: 'remove', kind, before: before as AnyDoc });
  }

  /** Makes the commit fail if an object that only was looked at has changed meanwhile. */
  unchanged<S, T>(kind: Kind<S, T>, before: Doc<S, T>): void {
    this.writes.push({ do: 'unchanged', kind, before: before as AnyDoc });
  }

  /** Writes an object anew as it is: whoever changes it at the same moment, or relies on it, is planned again. */
  touch<S, T>(kind: Kind<S, T>, before: Doc<S, T>): void {
    this.writes.push({ do: 'touch', kind, before: before as AnyDoc });
  }

  /** Starts a task with the commit; returns its id. */
  task(request: TaskRequest): string {
    const id = this.#context.newId();
    const spec: TaskSpec = {
      action: request.action,
      target: request.target,
      ...(request.node === undefined ? {} : { node: request.node }),
      input: request.input ?? null,
      requestedBy: this.#context.actor,
      createdMs: this.#context.nowMs,
      timeoutMs: request.timeoutMs,
      cancel: false,
    };
    this.tasks.push({ id, spec });
    this.create(task, id, spec, { state: 'pending', phase: '', progress: 0, message: '', data: null, attempts: 0 });
    return id;
  }

  /** Refuses the plan while a task works on the object. */
  needIdle(target: TaskRequest['target']): void {
    this.idle.push(target);
  }

  warn(text: string): void {
    this.warnings.push(text);
  }

  act(text: string): void {
    this.actions.push(text);
  }
}
