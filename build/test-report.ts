/**
 * What a run of tests tells, event by event as node:test does: to whoever watches, to the file of what tests measure, and for the
 * summary in the end.
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

const marksPerLine = 80;

/**
 * For whoever watches: a dot for each test that passed, an X for each that did not, and why right after it, since what is told
 * at the end only is lost when the run is stopped.
 */
export class Progress {
  #marks = 0;

  /** @returns what to print */
  take({ type, data }: TestEvent): string {
    if (type !== 'test:pass' && type !== 'test:fail') return '';
    const failure = type === 'test:fail' ? failureOf(data) : undefined;
    const mark = type === 'test:pass' ? '.' : 'X';
    this.#marks += 1;
    if (failure === undefined && this.#marks < marksPerLine) return mark;
    this.#marks = 0;
    return failure === undefined ? `${mark}\n` : `${mark}${failureText(failure)}\n`;
  }

  /** @returns what to print when no more comes */
  end(): string {
    return this.#marks > 0 ? '\n' : '';
  }
}

/**
 * What tests measure (`t.diagnostic`), each under its file: a figure that was measured on the way and then thrown away would have
 * to be measured again. The runner tells its own totals as diagnostics of the whole run, without a file; those are no figures.
 */
export class Figures {
  #file: string | undefined;

  /** @returns what to write */
  take({ type, data: { file, message } }: TestEvent): string {
    if (type !== 'test:diagnostic' || file === undefined || message === undefined) return '';
    const heading = file === this.#file ? '' : `\n${relative(inRepository('.'), file)}\n`;
    this.#file = file;
    return `${heading}  ${message}\n`;
  }
}

/** The totals, and what failed first: whoever sees only the last lines of a long run shall know what to look for. */
export class Totals {
  readonly #failures: TestFailure[] = [];
  readonly #msOf = new Map<string, number>();
  #counts: TestEvent['data']['counts'];

  take({ type, data }: TestEvent): void {
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0 && data.file !== undefined)
      this.#msOf.set(data.file, (this.#msOf.get(data.file) ?? 0) + (data.details?.duration_ms ?? 0));
    const failure = type === 'test:fail' ? failureOf(data) : undefined;
    if (failure !== undefined && this.#failures.length < mostFailures) this.#failures.push(failure);
    // The summary of the whole run is the one that names no file.
    if (type === 'test:summary' && data.file === undefined) this.#counts = data.counts;
  }

  /** Undefined when the run has not told how it ended. */
  get told(): TestTotals | undefined {
    if (this.#counts === undefined) return undefined;
    const { passed, failed, cancelled, skipped } = this.#counts;
    const slowest = [...this.#msOf]
      .map(([file, ms]) => ({ file, seconds: Math.round(ms / 1_000) }))
      .filter(({ seconds }) => seconds >= slowS)
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, mostSlow);
    return { passed, failed: failed + cancelled, skipped, failures: this.#failures, slowest };
  }
}
