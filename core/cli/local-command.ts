/**
 * A command that is no operation of the API: it works on this machine alone (completion, connections,
 * the daemon itself) or puts operations together. It is declared the same way, so that parsing, help,
 * completion and the reference treat both kinds alike.
 * @module
 */
import type { z } from 'zod';
import type { CliArgument, CliOption, RenderContext } from '../operation/cli-spec.ts';
import type { CommandContext } from './command-context.ts';

export interface LocalCommand<I extends z.ZodObject = z.ZodObject> {
  /** Words after `pvc`: `connection add`. */
  readonly command: string;
  /** Other last words (`rm`), or other whole commands. */
  readonly aliases?: readonly string[];
  /** One line, imperative. */
  readonly summary: string;
  readonly description?: string;
  /** What it takes; options and help come from it as with operations. */
  readonly input: I;
  readonly arguments?: readonly CliArgument[];
  readonly options?: Readonly<Record<string, CliOption>>;
  /** Asks before it is done; `{field}` is filled from the input. */
  readonly confirm?: string;
  readonly examples?: readonly string[];
  readonly hidden?: boolean;
  /** Does it. @returns the exit code */
  readonly run: (context: LocalRun<z.output<I>>) => Promise<number>;
}

export interface LocalRun<I> extends CommandContext {
  readonly input: I;
  /** Prints in the format that was asked for. */
  readonly print: (value: unknown, how?: PrintOptions) => Promise<void>;
}

export interface PrintOptions {
  /** For a person. Default: a table for lists, aligned fields for one object. */
  readonly render?: (value: never, context: RenderContext) => string;
  /** Field that `--format name` prints. */
  readonly nameField?: string;
  /** Gives the table its columns. */
  readonly schema?: z.ZodType;
}

/** Declares a local command; only gives it its types. */
export const defineLocalCommand = <I extends z.ZodObject>(command: LocalCommand<I>): LocalCommand =>
  // A list of commands holds inputs of every shape; each `run` only ever gets what its own schema parsed.
  command;
