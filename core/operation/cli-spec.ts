/**
 * How an operation looks on the command line, where that does not follow from its input alone.
 * Options, their types and their help come from the input's schema: a field `maxDowntimeMs` becomes
 * `--max-downtime-ms`, its description the help text.
 * @module
 */
import type { z } from 'zod';
import type { TaskWaiting } from '../task/task-view.ts';
import type { DownloadBody, UploadAnswer, UploadProgress } from './stream-types.ts';

export interface CliOption {
  /** Long name without dashes, when the field's own name does not read well. */
  readonly flag?: string;
  readonly short?: string;
  /** Word for the value in the help: `--vcpus COUNT`. */
  readonly value?: string;
  /**
   * `file`: the value is a path and the field gets the text of that file (`-` is standard input).
   * `json`: the value is JSON. `pairs`: `a=b,c=d` becomes an object that the field's schema checks.
   */
  readonly from?: 'file' | 'json' | 'pairs';
  /** With `pairs`: the field that a value without `=` is meant for. */
  readonly lone?: string;
  /** Kind of object whose names complete it (`vm`, `node`, `task`), or fixed words, or files. */
  readonly complete?: string | readonly string[];
  /** Further words, besides those that the schema takes: the command's own `run` knows what they mean. */
  readonly words?: readonly string[];
  /** The field is not offered on the command line. */
  readonly hidden?: boolean;
}

/** A positional argument: a field of the input, in order. */
export interface CliArgument extends CliOption {
  readonly field: string;
  /** Takes all that is left of the line; the field must be an array. */
  readonly rest?: boolean;
}

/** What a renderer may ask of the terminal. */
export interface RenderContext {
  /** Columns; without end where nothing shall be cut. */
  readonly width: number;
  readonly colour: boolean;
  readonly nowMs: number;
}

/** What a command with a hand of its own (editor, console, follow) may use. */
export interface CliRun {
  readonly input: Record<string, unknown>;
  readonly format: 'pretty' | 'json' | 'yaml' | 'name';
  readonly flags: Readonly<Record<string, unknown>>;
  readonly client: CliClient & TaskWaiting;
  readonly terminal: CliTerminal;
  /** `--plan` was given: nothing may be changed. `perform` minds it by itself. */
  readonly plan: boolean;
  /**
   * What the command line does with an operation by itself: checks the input, asks, plans or calls it,
   * prints the answer, waits for its tasks; prints a feed until Ctrl-C; attaches the terminal to a channel.
   * `operation` is the command's own unless named. @returns the exit code
   */
  readonly perform: (input: Readonly<Record<string, unknown>>, operation?: string) => Promise<number>;
  /** Waits for a task with its progress and ends as it ended. @returns the exit code; throws the task's own error */
  readonly awaitTask: (id: string, timeoutMs: number | undefined) => Promise<number>;
}

export interface CliClient {
  call(operation: string, input: unknown, options?: { plan?: boolean; signal?: AbortSignal }): Promise<unknown>;
  follow(
    operation: string,
    input: unknown,
    options: { signal: AbortSignal; resumeAfter?: string },
  ): AsyncIterable<{ id?: string; event?: string; data: unknown }>;
  channel(operation: string, input: unknown, signal: AbortSignal): Promise<import('node:stream').Duplex>;
  upload(
    operation: string,
    input: unknown,
    body: AsyncIterable<Uint8Array>,
    options: { signal: AbortSignal; sizeBytes?: number | undefined; onProgress?: (progress: UploadProgress) => void },
  ): Promise<UploadAnswer>;
  download(operation: string, input: unknown, options: { signal: AbortSignal }): Promise<DownloadBody>;
}

export interface CliTerminal extends RenderContext {
  readonly interactive: boolean;
  readonly stdin: NodeJS.ReadStream;
  write(text: string): void;
  warn(text: string): void;
  /** False in a script unless `--yes` was given. */
  confirm(question: string): Promise<boolean>;
  /** A line that somebody types; `hidden` is not echoed. Undefined at end of input. @throws PvcError NO_TERMINAL */
  ask(question: string, options?: { readonly hidden?: boolean }): Promise<string | undefined>;
  /** Opens $VISUAL or $EDITOR on the text and gives back what was saved. @throws PvcError EDIT_UNCHANGED */
  edit(text: string, suffix: string): Promise<string>;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface CliSpec {
  /** Words after `pvc`: `vm start`. */
  readonly command: string;
  /** Other last words (`rm`), or other whole commands (`vm delete`). */
  readonly aliases?: readonly string[];
  /** Positional arguments. An upload and a download have the FILE besides, as their last. */
  readonly arguments?: readonly CliArgument[];
  readonly options?: Readonly<Record<string, CliOption>>;
  /** Asks before it is done; `{field}` is filled from the input. `--yes` answers. */
  readonly confirm?: string;
  /** The answer for a person. Default: a table for lists, aligned fields for one object. */
  readonly render?: (output: never, context: RenderContext) => string;
  /** Field of the output (or of each of its items) for `--format name`; `name` unless said. */
  readonly nameField?: string;
  /** The answer holds a task: wait for its end (default), unless `--no-wait`. */
  readonly waits?: boolean;
  /** Options that only the command line has, for `run`. */
  readonly flags?: z.ZodObject;
  /** Replaces "call, then print". */
  readonly run?: (context: CliRun) => Promise<number>;
  readonly examples?: readonly string[];
  /** A command that only programs give: neither in the help nor in the reference. */
  readonly hidden?: boolean;
}
