/**
 * One kind of error for everything an administrator may see: a code, a sentence with the values in
 * it, a hint on what to do, and how it maps to HTTP and to an exit code. Each area declares its own
 * codes with `defineErrors`; the API and the CLI map any `PvcError` at the edge, once.
 * @module
 */

/** Exit codes of the CLI, stable for scripts. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  conflict: 5,
  denied: 6,
  unreachable: 7,
  unknown: 8,
  cancelled: 9,
} as const;

export type ExitName = keyof typeof exitCode;

export interface ErrorSpec {
  /** One sentence; `{name}` is replaced by the value of that name. */
  readonly message: string;
  /** What the administrator can do about it; may hold `{name}` as well. */
  readonly hint: string;
  /** HTTP status, RFC 9110. */
  readonly http: number;
  readonly exit: ExitName;
}

export type ErrorValues = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ErrorOptions {
  readonly cause?: unknown;
  /** One line each: every reason of a refusal, every problem of an input. */
  readonly details?: readonly string[];
}

export class PvcError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly http: number;
  readonly exit: ExitName;
  readonly details: readonly string[];

  constructor(code: string, message: string, spec: Omit<ErrorSpec, 'message'>, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PvcError';
    this.code = code;
    this.hint = spec.hint;
    this.http = spec.http;
    this.exit = spec.exit;
    this.details = options.details ?? [];
  }
}

const catalogue = new Map<string, ErrorSpec>();

/** Every code declared so far, for the reference page and the tests. */
export function errorCatalogue(): ReadonlyMap<string, ErrorSpec> {
  return catalogue;
}

/** An error that was written down, as that of a task is, with the exit and the HTTP status of its code. */
export function recalledError(written: {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}): PvcError {
  const known = catalogue.get(written.code);
  const exit = known === undefined || known.exit === 'ok' ? 'failed' : known.exit;
  return new PvcError(written.code, written.message, { hint: written.hint, http: known?.http ?? 500, exit });
}

const fill = (text: string, values: ErrorValues): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => (values[name] === undefined ? whole : String(values[name])));

/**
 * Adds codes to the catalogue and returns the function that makes such errors:
 * `throw fail('VM_NOT_FOUND', { vm: 'web1' })`. A code is declared once in the whole program.
 */
export function defineErrors<const T extends Record<string, ErrorSpec>>(
  specs: T,
): (code: keyof T & string, values?: ErrorValues, options?: ErrorOptions) => PvcError {
  for (const [code, spec] of Object.entries(specs)) {
    const known = catalogue.get(code);
    if (known !== undefined && known !== spec) throw new Error(`error code ${code} is declared twice`);
    catalogue.set(code, spec);
  }
  return (code, values = {}, options) => {
    const spec = specs[code] as ErrorSpec;
    return new PvcError(code, fill(spec.message, values), { ...spec, hint: fill(spec.hint, values) }, options);
  };
}

/** The text of whatever was thrown, with the causes behind it, for logs and conditions. */
export function errorText(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined && parts.length < 5; at = at instanceof Error ? at.cause : undefined) {
    const text = at instanceof Error ? at.message : String(at);
    // A wrapper often repeats what it wraps.
    if (!parts.some((part) => part.includes(text))) parts.push(text);
  }
  return parts.join(': ');
}
