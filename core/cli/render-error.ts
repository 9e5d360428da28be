/** Errors for a person and as JSON. @module */
import { exitCode, type PvcError } from '../error/error.ts';
import { readableStack } from '../host/stack.ts';
import type { RenderContext } from '../operation/cli-spec.ts';
import { paint } from '../render/colour.ts';
import { indent } from '../render/format.ts';
import { wrapText } from '../render/text-width.ts';

/**
 * True for a `PvcError`, also for one of a second copy of the class: the packed program and a plugin from
 * a file may each have their own.
 */
export function isPvcError(error: unknown): error is PvcError {
  return error instanceof Error && error.name === 'PvcError' && 'code' in error && 'hint' in error && 'exit' in error;
}

/** The exit code that belongs to an error. */
export const errorExit = (error: unknown): number => (isPvcError(error) ? exitCode[error.exit] : exitCode.failed);

/** An error as RFC 9457 has it, with the members that the API adds. */
export async function problemOf(error: unknown): Promise<Record<string, unknown>> {
  const { STATUS_CODES } = await import('node:http');
  const { code, http, message, hint, exit, details } = isPvcError(error)
    ? error
    : { code: 'INTERNAL', http: 500, message: messageOf(error), hint: internalHint, exit: 'failed', details: [] };
  return {
    type: `urn:pvc:error:${code}`,
    title: STATUS_CODES[http] ?? 'Error',
    status: http,
    detail: message,
    code,
    hint,
    exit,
    details,
  };
}

const internalHint =
  'This is a fault in PVC or in a plugin. Repeat the command with --debug and report what it prints.';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error));

/** `error: …`, the details, the hint and the code; with `debug` the causes and stacks as well. Ends with a line feed. */
export function renderError(error: unknown, context: RenderContext, debug: boolean): string {
  const width = Math.min(context.width, 120);
  const wrapped = (label: string, text: string): string =>
    wrapText(text, Math.max(20, width - label.length - 1)).join(`\n${' '.repeat(label.length + 1)}`);
  const problem = isPvcError(error) ? error : undefined;
  const hint = problem === undefined ? internalHint : problem.hint;
  const lines = [`${paint('error:', 'red', context)} ${wrapped('error:', messageOf(error))}`];
  // A single detail is often the end of the message already.
  for (const detail of problem?.details ?? [])
    if (!messageOf(error).includes(detail)) lines.push(`  - ${wrapped('   ', detail)}`);
  if (hint !== '') lines.push(`${paint('hint:', 'cyan', context)} ${wrapped('hint:', hint)}`);
  if (problem !== undefined && problem.code !== 'USAGE') lines.push(paint(`code: ${problem.code}`, 'dim', context));
  if (debug) lines.push(...debugLines(error, context));
  return `${lines.join('\n')}\n`;
}

function debugLines(error: unknown, context: RenderContext): string[] {
  const lines: string[] = [];
  let depth = 0;
  for (let at: unknown = error; at !== undefined && depth < 6; at = at instanceof Error ? at.cause : undefined) {
    if (depth > 0) lines.push(`${paint('caused by:', 'yellow', context)} ${messageOf(at)}`);
    const stack = (readableStack(at) ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n');
    if (stack !== '') lines.push(paint(indent(stack.replace(/^\s+/gm, '')), 'dim', context));
    depth += 1;
  }
  return lines;
}
