/**
 * A reporter of node:test that leaves the totals and what failed first, as one line of JSON, for the stage runner to add
 * up and to repeat at the end: whoever sees only the last lines of a long run shall know what to look for.
 * @module
 */
import { relative } from 'node:path';
import { inRepository } from './paths.ts';

export interface TestFailure {
  readonly name: string;
  readonly file: string | undefined;
  /** The beginning of the error, cut to fit a screen. */
  readonly lines: readonly string[];
}

export interface TestTotals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly TestFailure[];
  /** The files that took longest, longest first. */
  readonly slowest: readonly { readonly file: string; readonly seconds: number }[];
}

interface TestError {
  readonly message?: string;
  readonly failureType?: string;
  readonly cause?: unknown;
}

export interface TestEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    /** 0: not inside of another test. */
    readonly nesting?: number;
    /** What a test tells with `t.diagnostic`. */
    readonly message?: string;
    readonly details?: { readonly error?: TestError; readonly duration_ms?: number };
    readonly counts?: {
      readonly passed: number;
      readonly failed: number;
      readonly cancelled: number;
      readonly skipped: number;
    };
  };
}

const mostFailures = 4;
const mostSlow = 8;
const slowS = 10;
const mostLines = 12;
const widest = 600;

/** The runner wraps what a test threw; a suite fails for its tests, which are told themselves. */
export function failureOf({ name, file, details }: TestEvent['data']): TestFailure | undefined {
  const error = details?.error;
  if (error?.failureType === 'subtestsFailed') return undefined;
  const cause = error?.cause instanceof Error ? error.cause.message : undefined;
  const text = cause ?? error?.message ?? 'no error was told';
  const lines = text
    .split('\n')
    .slice(0, mostLines)
    .map((line) => line.slice(0, widest));
  return { name: name ?? '?', file, lines };
}

/** For people: which test, of which file of the repository, and why. */
export const failureText = ({ name, file, lines }: TestFailure): string =>
  `\nfailed: ${name}${file === undefined ? '' : ` (${relative(inRepository('.'), file)})`}\n  ${lines.join('\n  ')}`;

/** The summary of the whole run is the one that names no file. */
export default async function* totals(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const failures: TestFailure[] = [];
  const msOf = new Map<string, number>();
  for await (const { type, data } of events) {
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0 && data.file !== undefined)
      msOf.set(data.file, (msOf.get(data.file) ?? 0) + (data.details?.duration_ms ?? 0));
    if (type === 'test:fail') {
      const failure = failureOf(data);
      if (failure !== undefined && failures.length < mostFailures) failures.push(failure);
    }
    if (type !== 'test:summary' || data.file !== undefined || data.counts === undefined) continue;
    const { passed, failed, cancelled, skipped } = data.counts;
    const slowest = [...msOf]
      .map(([file, ms]) => ({ file, seconds: Math.round(ms / 1_000) }))
      .filter(({ seconds }) => seconds >= slowS)
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, mostSlow);
    yield `${JSON.stringify({ passed, failed: failed + cancelled, skipped, failures, slowest } satisfies TestTotals)}\n`;
  }
}
