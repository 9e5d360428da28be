/**
 * One declaration per operation. The HTTP route, the OpenAPI description, the CLI command with its
 * help and completion, the typed client and the audit record all come from it.
 * @module
 */
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import type { CliSpec } from './cli-spec.ts';
import type { PlanBuilder } from './plan.ts';
import type { DownloadBody, UploadRun } from './stream-types.ts';
import type { View } from './view.ts';

/** What a caller may do; each includes the ones before it. `join` is that of a machine that is to become a node. */
export const roles = ['join', 'viewer', 'operator', 'admin'] as const;
/** Roles that tokens for people and programs have. */
export const grantableRoles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Who asks. `via` tells the door that it came through. */
export interface Actor {
  readonly name: string;
  readonly role: Role;
  readonly via: 'socket' | 'https' | 'store' | 'internal';
}

/** Time and chance for a plan: fixed once per request, so that planning again gives the same documents. */
export interface PlanContext {
  readonly view: View;
  readonly actor: Actor;
  readonly nowMs: number;
  /** The n-th call returns the n-th value at each planning. */
  uuid(): string;
  bytes(length: number): Uint8Array;
  /** The node that plans; the default target of operations on "this" node. */
  readonly localNode: string | undefined;
}

export interface QueryContext {
  readonly view: View;
  readonly actor: Actor;
  readonly nowMs: number;
  readonly localNode: string | undefined;
  readonly signal: AbortSignal;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a registry holds operations of every shape
type Any = any;
type InputSchema = z.ZodObject<Any>;

interface Common<I extends InputSchema, O extends z.ZodType> {
  /** `vm.start`: noun and verb; unique. */
  readonly name: string;
  /** One line, imperative. */
  readonly summary: string;
  /** More, in plain sentences, for `--help` and the reference. */
  readonly description?: string;
  readonly http: {
    readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    /** Below /api/v1; `{field}` is filled from the input. */
    readonly path: string;
  };
  readonly cli?: CliSpec;
  /** The least role that may call it. */
  readonly role: Role;
  readonly input: I;
  readonly output: O;
  /** Largest request body in bytes; 1 MiB unless said, for an upload without end. */
  readonly maxBodyBytes?: number;
}

/** Answers from the store, or, with `on`, from a node's own knowledge. Changes nothing. */
export interface Query<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> extends Common<I, O> {
  readonly type: 'query';
  /** The node that must answer (it has the log, the guest, the counters); absent: any. */
  readonly on?: (context: QueryContext, input: z.output<I>) => Promise<string | undefined>;
  /** How long that node may take; 10 s unless said. Whoever asked waits a minute at most. */
  readonly answersWithinMs?: number;
  readonly run: (context: QueryContext, input: z.output<I>) => Promise<z.input<O>>;
}

/** A pure function from what the store holds and the input to the plan of what to write. */
export interface Mutation<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> extends Common<I, O> {
  readonly type: 'mutation';
  /** Fields of the input that must never be recorded or shown. */
  readonly secrets?: readonly string[];
  /**
   * `false`: a note of what happened by itself, and nobody's act, so there is no audit record. As no record tells what
   * became of a commit whose answer was lost, it is planned again then: what was written already must plan nothing.
   */
  readonly recorded?: false;
  /** Adds writes, tasks and warnings to `plan`, and returns what the operation will answer; throws to refuse. */
  readonly plan: (plan: PlanBuilder, context: PlanContext, input: z.output<I>) => Promise<z.input<O>>;
  /** Adds what only the caller may see once (a token's secret) to the answer after the commit. */
  readonly reveal?: (context: PlanContext, input: z.output<I>, answer: z.output<O>) => z.output<O>;
}

/** A sequence of items until the caller leaves (server-sent events); each item is of the output's shape. */
export interface Feed<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> extends Common<I, O> {
  readonly type: 'feed';
  readonly on?: (context: QueryContext, input: z.output<I>) => Promise<string | undefined>;
  /** `resumeAfter` is the id of the last item that the caller has seen. */
  readonly open: (
    context: QueryContext,
    input: z.output<I>,
    resumeAfter: string | undefined,
  ) => AsyncIterable<FeedItem<z.input<O>>>;
}

export interface FeedItem<T> {
  /** Lets the caller continue after this item; absent where that makes no sense. */
  readonly id?: string;
  readonly event?: string;
  readonly data: T;
}

/** A two-way byte stream (WebSocket): a console. */
export interface Channel<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> extends Common<I, O> {
  readonly type: 'channel';
  readonly on?: (context: QueryContext, input: z.output<I>) => Promise<string | undefined>;
  readonly connect: (context: QueryContext, input: z.output<I>) => Promise<Duplex>;
}

/** Takes a long stream of bytes (an image, an export) and answers once it has dealt with it. */
export interface Upload<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> extends Common<I, O> {
  readonly type: 'upload';
  /** The node that must take it (it has the disk); absent: whichever is asked. */
  readonly on?: (context: QueryContext, input: z.output<I>) => Promise<string | undefined>;
  /** The size need not be known beforehand, as that of a pipe is not. Otherwise a body without `Content-Length` is refused. */
  readonly sizeUnknown?: boolean;
  /** Fields of the input that must never be recorded or shown. */
  readonly secrets?: readonly string[];
  /**
   * Takes the whole body and answers. The caller sends nothing before `body` is read for the first time: what is to
   * be refused is refused before that. When the caller leaves, `body` throws and the signal aborts: undo what was
   * made so far, and throw.
   */
  readonly receive: (
    context: QueryContext,
    input: z.output<I>,
    body: AsyncIterable<Uint8Array>,
    run: UploadRun,
  ) => Promise<z.input<O>>;
}

/** Gives a long stream of bytes. Its output is the bytes themselves. */
export interface Download<I extends InputSchema = InputSchema, O extends z.ZodType = z.ZodType> extends Common<I, O> {
  readonly type: 'download';
  /** The node that must give it; absent: whichever is asked. */
  readonly on?: (context: QueryContext, input: z.output<I>) => Promise<string | undefined>;
  /** Fields of the input that must never be recorded or shown. */
  readonly secrets?: readonly string[];
  /**
   * Opens what is given. Its body is read as fast as the caller takes it, and its first piece before the answer
   * begins: what fails until then is told as an ordinary error. When the caller leaves, the body's iterator is ended
   * (`finally` of a generator runs) and the signal aborts.
   */
  readonly send: (
    context: QueryContext,
    input: z.output<I>,
    run: { readonly signal: AbortSignal },
  ) => Promise<DownloadBody>;
}

export type Operation =
  | Query<Any, Any>
  | Mutation<Any, Any>
  | Feed<Any, Any>
  | Channel<Any, Any>
  | Upload<Any, Any>
  | Download<Any, Any>;

/** The name is kept as a literal type, so that typed clients know the operation by it. */
type Named<T, N extends string> = T & { readonly name: N };

export const defineQuery = <I extends InputSchema, O extends z.ZodType, const N extends string>(
  definition: Named<Omit<Query<I, O>, 'type'>, N>,
): Named<Query<I, O>, N> => ({
  type: 'query',
  ...definition,
});

export const defineMutation = <I extends InputSchema, O extends z.ZodType, const N extends string>(
  definition: Named<Omit<Mutation<I, O>, 'type'>, N>,
): Named<Mutation<I, O>, N> => ({
  type: 'mutation',
  ...definition,
});

export const defineFeed = <I extends InputSchema, O extends z.ZodType, const N extends string>(
  definition: Named<Omit<Feed<I, O>, 'type'>, N>,
): Named<Feed<I, O>, N> => ({
  type: 'feed',
  ...definition,
});

export const defineChannel = <I extends InputSchema, O extends z.ZodType, const N extends string>(
  definition: Named<Omit<Channel<I, O>, 'type'>, N>,
): Named<Channel<I, O>, N> => ({
  type: 'channel',
  ...definition,
});

export const defineUpload = <I extends InputSchema, O extends z.ZodType, const N extends string>(
  definition: Named<Omit<Upload<I, O>, 'type'>, N>,
): Named<Upload<I, O>, N> => ({
  type: 'upload',
  ...definition,
});

export const defineDownload = <I extends InputSchema, const N extends string>(
  definition: Named<Omit<Download<I>, 'type' | 'output'>, N>,
): Named<Download<I, z.ZodNull>, N> => ({
  type: 'download',
  output: z.null(),
  ...definition,
});

/** Input as a caller gives it, and output as it gets it. */
export type InputOf<T extends Operation> = z.input<T['input']>;
export type OutputOf<T extends Operation> = z.output<T['output']>;
