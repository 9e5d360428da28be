/**
 * Runs operations: checks the input and the role, plans, lets plugins veto, commits with version
 * checks, and finds out what became of a commit whose answer was lost.
 * @module
 */
import type { z } from 'zod';
import { errorText, type PvcError } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { issueLines } from '../model/document-text.ts';
import { sortableId } from '../model/ids.ts';
import { type AnyKind, modelError } from '../model/kind.ts';
import { type Documents, describeKey, specKey, type Write } from '../store/documents.ts';
import { maxCommitOps, storeError } from '../store/store.ts';
import { task } from '../task/task-kind.ts';
import { type AuditSpec, audit, changeLines, recordableInput } from './audit.ts';
import { operationError } from './errors.ts';
import {
  type Actor,
  type Channel,
  type Download,
  type Feed,
  type FeedItem,
  type Mutation,
  type Operation,
  type PlanContext,
  type Query,
  type QueryContext,
  roles,
  type Upload,
} from './operation.ts';
import { PlanBuilder } from './plan.ts';
import { referred } from './references.ts';
import type { DownloadBody, UploadAnswer, UploadOptions } from './stream-types.ts';
import { requireSize, Streams, uploadBody } from './streams.ts';
import { View } from './view.ts';

/** A document that a plan would write. */
export interface PlannedWrite {
  readonly change: 'create' | 'update' | 'remove' | 'check';
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/** What `--plan` shows. */
export interface PlanAnswer {
  readonly operation: string;
  readonly writes: readonly PlannedWrite[];
  readonly actions: readonly string[];
  readonly warnings: readonly string[];
  readonly tasks: readonly { readonly id: string; readonly action: string; readonly node: string | undefined }[];
  readonly result: unknown;
}

/** What a mutation answers once it is committed. */
export interface MutationAnswer {
  readonly result: unknown;
  /** What will be done now that it is committed, in sentences. */
  readonly actions: readonly string[];
  readonly warnings: readonly string[];
  /** Ids of the tasks that it started; wait for them to see the work done. */
  readonly tasks: readonly string[];
  /** Id of the audit record. */
  readonly request: string;
}

export interface ExecutorParts {
  readonly host: Pick<Host, 'clock' | 'random' | 'log'>;
  readonly documents: Documents;
  /** The node whose daemon this is; undefined for a client that works on the store directly. */
  readonly localNode: string | undefined;
  /** Every kind there is, to keep what objects refer to; none: nothing is checked. */
  readonly kinds?: readonly AnyKind[];
  /** A veto of a plugin: its name and reason, or undefined. */
  readonly admit: (operation: string, plan: PlanBuilder) => Promise<{ plugin: string; reason: string } | undefined>;
  /** Asks another node to run what only it can answer. Absent: there is no way to other nodes from here. */
  readonly remote?: RemoteNodes;
}

export interface RemoteNodes {
  query(node: string, operation: Query, input: unknown, actor: Actor, signal: AbortSignal): Promise<unknown>;
  feed(
    node: string,
    operation: Feed,
    input: unknown,
    actor: Actor,
    signal: AbortSignal,
    resumeAfter: string | undefined,
  ): AsyncIterable<FeedItem<unknown>>;
  channel(
    node: string,
    operation: Channel,
    input: unknown,
    actor: Actor,
    signal: AbortSignal,
  ): Promise<import('node:stream').Duplex>;
  upload(
    node: string,
    operation: Upload,
    input: unknown,
    actor: Actor,
    body: AsyncIterable<Uint8Array>,
    options: UploadOptions,
  ): Promise<UploadAnswer>;
  download(node: string, operation: Download, input: unknown, actor: Actor, signal: AbortSignal): Promise<DownloadBody>;
}

const maxTries = 8;

/** How long a lost answer is looked for before it is reported as unknown. */
const unknownWaitMs = 10_000;

export class Executor {
  readonly #parts: ExecutorParts;
  readonly #streams: Streams;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#streams = new Streams(parts);
  }

  /** Checks role and input as a call would, and does nothing else. @throws PvcError ROLE_TOO_LOW, INPUT_INVALID */
  admit(operation: Operation, rawInput: unknown, actor: Actor): void {
    this.#admitInput(operation, rawInput, actor);
  }

  /** What the mutation would do now. Changes nothing. */
  async plan(operation: Mutation, rawInput: unknown, actor: Actor): Promise<PlanAnswer> {
    const input = this.#admitInput(operation, rawInput, actor);
    const { builder, result } = await this.#build(operation, input, this.#fixedContext(actor));
    return planAnswer(operation.name, builder, result);
  }

  /** Plans and commits; plans again when somebody else changed what it is built on. */
  async mutate(operation: Mutation, rawInput: unknown, actor: Actor): Promise<MutationAnswer> {
    const { host, documents } = this.#parts;
    const input = this.#admitInput(operation, rawInput, actor);
    const fixed = this.#fixedContext(actor);
    /** Where the try before met a conflict. */
    let before: string | undefined;
    for (let attempt = 1; ; attempt += 1) {
      const { builder, context, result } = await this.#build(operation, input, fixed);
      const done = (): MutationAnswer => ({
        result: operation.reveal === undefined ? result : operation.reveal(context, input, result),
        actions: builder.actions,
        warnings: builder.warnings,
        tasks: builder.tasks.map((started) => started.id),
        request: fixed.request,
      });
      if (builder.writes.length === 0) return done();
      const record: AuditSpec = {
        atMs: fixed.nowMs,
        actor: actor.name,
        role: actor.role,
        via: actor.via,
        operation: operation.name,
        input: recordableInput(operation, input),
        changes: changeLines(builder.writes),
        tasks: builder.tasks.map((started) => started.id),
      };
      const recorded = operation.recorded ?? true;
      const { ops, topics } = documents.commitOf([
        ...builder.writes,
        ...(recorded ? [{ do: 'create', kind: audit, id: fixed.request, spec: record } as const] : []),
      ]);
      if (ops.length > maxCommitOps)
        throw storeError('STORE_TOO_LARGE', { what: operation.name, size: ops.length, limit: maxCommitOps });
      const committed = await documents.store.commit(ops, topics);
      if (
        committed.outcome === 'ok' ||
        (recorded &&
          committed.outcome === 'unknown' &&
          (await this.#wasDone(operation, fixed.request, committed.cause)))
      ) {
        const level = recorded ? 'info' : 'debug';
        host.log[level](`${operation.name} by ${actor.name}`, { request: fixed.request, changes: record.changes });
        return done();
      }
      if (committed.outcome === 'conflict') {
        await this.#explainConflict(builder.writes, committed.key, before === committed.key);
        before = committed.key;
      }
      if (attempt >= maxTries) {
        if (committed.outcome === 'unknown')
          throw storeError('STORE_UNAVAILABLE', { reason: errorText(committed.cause) }, { cause: committed.cause });
        throw operationError('TOO_CONTENDED', { operation: operation.name, tries: attempt });
      }
      await host.clock.sleep(attempt * 5 + ((host.random.bytes(1)[0] ?? 0) % 20));
    }
  }

  async query(operation: Query, rawInput: unknown, actor: Actor, signal: AbortSignal): Promise<unknown> {
    const input = this.#admitInput(operation, rawInput, actor);
    const context = this.#queryContext(actor, signal);
    const node = await operation.on?.(context, input);
    if (node !== undefined && node !== this.#parts.localNode)
      return this.#remote(operation, node).query(node, operation, rawInput, actor, signal);
    return operation.output.parse(await operation.run(context, input));
  }

  async *feed(
    operation: Feed,
    rawInput: unknown,
    actor: Actor,
    signal: AbortSignal,
    resumeAfter?: string,
  ): AsyncIterable<FeedItem<unknown>> {
    const input = this.#admitInput(operation, rawInput, actor);
    const context = this.#queryContext(actor, signal);
    const node = await operation.on?.(context, input);
    if (node !== undefined && node !== this.#parts.localNode)
      yield* this.#remote(operation, node).feed(node, operation, rawInput, actor, signal, resumeAfter);
    else
      for await (const item of operation.open(context, input, resumeAfter))
        yield { ...item, data: operation.output.parse(item.data) };
  }

  async channel(
    operation: Channel,
    rawInput: unknown,
    actor: Actor,
    signal: AbortSignal,
  ): Promise<import('node:stream').Duplex> {
    const input = this.#admitInput(operation, rawInput, actor);
    const context = this.#queryContext(actor, signal);
    const node = await operation.on?.(context, input);
    if (node !== undefined && node !== this.#parts.localNode)
      return this.#remote(operation, node).channel(node, operation, rawInput, actor, signal);
    return operation.connect(context, input);
  }

  /**
   * Takes a body; nothing of it is read before role, input and size were checked, here and on the node that takes it.
   * @throws PvcError UPLOAD_…, and what the operation refuses
   */
  async upload(
    operation: Upload,
    rawInput: unknown,
    actor: Actor,
    body: AsyncIterable<Uint8Array>,
    options: UploadOptions,
  ): Promise<UploadAnswer> {
    const input = this.#admitInput(operation, rawInput, actor);
    requireSize(operation, options.sizeBytes);
    const context = this.#queryContext(actor, options.signal);
    const node = await operation.on?.(context, input);
    if (node !== undefined && node !== this.#parts.localNode) {
      const passing = uploadBody(operation, body, options, this.#parts.host.clock);
      try {
        return await this.#remote(operation, node).upload(node, operation, rawInput, actor, passing, options);
      } catch (error) {
        throw passing.failure ?? error;
      }
    }
    await this.#refuseVetoed(operation, this.#emptyPlan(actor));
    return this.#streams.receive(operation, input, context, body, options);
  }

  /** Opens a body. Whoever gets it reads it to its end or ends its iterator. */
  async download(operation: Download, rawInput: unknown, actor: Actor, signal: AbortSignal): Promise<DownloadBody> {
    const input = this.#admitInput(operation, rawInput, actor);
    const context = this.#queryContext(actor, signal);
    const node = await operation.on?.(context, input);
    if (node !== undefined && node !== this.#parts.localNode)
      return this.#remote(operation, node).download(node, operation, rawInput, actor, signal);
    await this.#refuseVetoed(operation, this.#emptyPlan(actor));
    return this.#streams.send(operation, input, context);
  }

  /** Resolves when no upload and no download runs here any more; their signals make them end. */
  streamsEnded(): Promise<void> {
    return this.#streams.ended();
  }

  #remote(operation: Operation, node: string): RemoteNodes {
    if (this.#parts.localNode === undefined) throw operationError('NEEDS_DAEMON', { operation: operation.name, node });
    if (this.#parts.remote === undefined)
      throw operationError('NODE_UNREACHABLE', { operation: operation.name, node, reason: 'it is another node' });
    return this.#parts.remote;
  }

  #admitInput(operation: Operation, rawInput: unknown, actor: Actor): Record<string, unknown> {
    if (roles.indexOf(actor.role) < roles.indexOf(operation.role)) {
      throw operationError('ROLE_TOO_LOW', {
        operation: operation.name,
        needed: operation.role,
        actor: actor.name,
        role: actor.role,
      });
    }
    const parsed = operation.input.safeParse(rawInput ?? {});
    const unknown = unknownFields(operation, rawInput);
    if (parsed.success && unknown.length === 0) return parsed.data as Record<string, unknown>;
    const command = operation.cli?.command ?? operation.name;
    const details = [
      ...unknown.map((field) => `${field}: there is no such field`),
      ...(parsed.success ? [] : issueLines(parsed.error)),
    ];
    throw operationError('INPUT_INVALID', { operation: operation.name, command }, { details });
  }

  #fixedContext(actor: Actor): Fixed {
    const { clock, random } = this.#parts.host;
    const nowMs = clock.wallMs();
    return { request: sortableId(nowMs, random.bytes(7)), nowMs, actor, drawn: { uuids: [], bytes: [], ids: [] } };
  }

  async #build(operation: Mutation, input: Record<string, unknown>, fixed: Fixed) {
    const { host, documents, localNode } = this.#parts;
    const { random } = host;
    const count = { uuids: 0, bytes: 0, ids: 0 };
    // A value that an earlier planning of this request drew is drawn again, so that ids do not change between tries.
    const draw = <K extends keyof Drawn>(list: K, make: () => Drawn[K][number]): Drawn[K][number] => {
      const index = count[list];
      count[list] += 1;
      const values = fixed.drawn[list] as Drawn[K][number][];
      values[index] ??= make();
      return values[index] as Drawn[K][number];
    };
    const context: PlanContext = {
      view: new View(documents, this.#parts.kinds),
      actor: fixed.actor,
      nowMs: fixed.nowMs,
      localNode,
      uuid: () => draw('uuids', () => random.uuid()),
      bytes: (length) => draw('bytes', () => random.bytes(length)),
    };
    const builder = new PlanBuilder({
      nowMs: fixed.nowMs,
      actor: fixed.actor.name,
      newId: () => draw('ids', () => sortableId(fixed.nowMs, random.bytes(7))),
    });
    const result = operation.output.parse(await operation.plan(builder, context, input));
    // A mistake in a document must be refused at planning already, not first at the commit.
    documents.commitOf(builder.writes);
    builder.writes.push(...(await referred(context.view, this.#parts.kinds ?? [], builder.writes)));
    for (const target of [...builder.idle, ...builder.tasks.map((started) => started.spec.target)])
      await this.#refuseBusy(target);
    await this.#refuseVetoed(operation, builder);
    return { builder, context, result };
  }

  /** For what plans nothing and may be refused all the same. */
  #emptyPlan(actor: Actor): PlanBuilder {
    const { clock, random } = this.#parts.host;
    const nowMs = clock.wallMs();
    return new PlanBuilder({ nowMs, actor: actor.name, newId: () => sortableId(nowMs, random.bytes(7)) });
  }

  async #refuseVetoed(operation: Operation, plan: PlanBuilder): Promise<void> {
    const veto = await this.#parts.admit(operation.name, plan);
    if (veto !== undefined) throw operationError('VETOED', { operation: operation.name, ...veto });
  }

  async #refuseBusy(target: { kind: string; id: string; label: string }): Promise<void> {
    const { documents } = this.#parts;
    const holder = await documents.find(task, 'target', `${target.kind}:${target.id}`);
    if (holder === undefined) return;
    const busy = await documents.get(task, holder);
    throw operationError('TARGET_BUSY', {
      target: `${target.kind} ${target.label}`,
      task: holder,
      action: busy?.spec.action ?? 'unknown',
    });
  }

  /** Turns a conflict that planning again cannot cure into its error. */
  async #explainConflict(writes: readonly Write[], key: string, again: boolean): Promise<void> {
    const conflict = describeKey(key);
    if (conflict.what === 'object') {
      const created = writes.find((write) => write.do === 'create' && key === specKey(write.kind, write.id));
      // The first time it may have come into being a moment ago; a plan that sees it may do something else.
      if (created !== undefined && again)
        throw modelError('OBJECT_EXISTS', { kind: conflict.kind, field: 'id', value: conflict.value, owner: '' });
      return;
    }
    if (conflict.kind === 'task') {
      const [kind = '', id = ''] = (conflict.value ?? '').split(':');
      await this.#refuseBusy({ kind, id, label: id });
      return;
    }
    const holder = await this.#parts.documents.store.read(key);
    if (holder === undefined) return;
    throw modelError('OBJECT_EXISTS', {
      kind: conflict.kind,
      field: conflict.index,
      value: conflict.value,
      owner: ` (${holder.value})`,
    });
  }

  /**
   * A commit whose answer was lost: its audit record tells. @returns false when it certainly was not
   * done (the store answers and has no record). @throws PvcError OUTCOME_UNKNOWN
   */
  async #wasDone(operation: Operation, request: string, cause: Error): Promise<boolean> {
    const { host, documents } = this.#parts;
    const deadline = host.clock.monotonicMs() + unknownWaitMs;
    let last: PvcError | Error = cause;
    while (host.clock.monotonicMs() < deadline) {
      try {
        return (await documents.store.read(specKey(audit, request))) !== undefined;
      } catch (error) {
        last = error as Error;
        await host.clock.sleep(250);
      }
    }
    host.log.warn(`outcome of ${operation.name} is unknown`, { request, cause: errorText(last) });
    throw operationError('OUTCOME_UNKNOWN', { operation: operation.name, request }, { cause: last });
  }

  #queryContext(actor: Actor, signal: AbortSignal): QueryContext {
    const { host, documents, localNode } = this.#parts;
    return { view: new View(documents, this.#parts.kinds), actor, nowMs: host.clock.wallMs(), localNode, signal };
  }
}

/** Fields that a plain `z.object` would drop in silence; a schema that says what it does with others is left to it. */
function unknownFields(operation: Operation, rawInput: unknown): string[] {
  const { shape, def } = operation.input as z.ZodObject;
  if (def.catchall !== undefined || rawInput === null || typeof rawInput !== 'object') return [];
  return Object.keys(rawInput).filter((field) => !Object.hasOwn(shape, field));
}

/** What stays the same when a request is planned again. */
interface Fixed {
  readonly request: string;
  readonly nowMs: number;
  readonly actor: Actor;
  readonly drawn: Drawn;
}

interface Drawn {
  uuids: string[];
  bytes: Uint8Array[];
  ids: string[];
}

const changeNames = {
  create: 'create',
  spec: 'update',
  status: 'update',
  remove: 'remove',
  unchanged: 'check',
  touch: 'check',
} as const;

/** A plan as it is shown. */
export const planAnswer = (operation: string, builder: PlanBuilder, result: unknown): PlanAnswer => ({
  operation,
  writes: builder.writes.filter((write) => write.kind !== task && write.kind.bookkeeping !== true).map(plannedWrite),
  actions: builder.actions,
  warnings: builder.warnings,
  tasks: builder.tasks.map(({ id, spec }) => ({ id, action: spec.action, node: spec.node })),
  result,
});

function plannedWrite(write: Write): PlannedWrite {
  const before = write.do === 'create' ? undefined : write.before.spec;
  const after =
    write.do === 'create' || write.do === 'spec'
      ? write.kind.spec.parse(write.spec)
      : write.do === 'status'
        ? write.status
        : undefined;
  return {
    change: changeNames[write.do],
    kind: write.kind.name,
    id: write.do === 'create' ? write.id : write.before.id,
    label: write.kind.label?.(after ?? before) ?? (write.do === 'create' ? write.id : write.before.id),
    ...(before === undefined || write.do === 'unchanged' || write.do === 'touch'
      ? {}
      : { before: write.do === 'status' ? write.before.status : before }),
    ...(after === undefined ? {} : { after }),
  };
}
