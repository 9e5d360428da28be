/** Errors as RFC 9457 problem documents. @module */
import { errorText, PvcError } from '../error/error.ts';
import type { Logger } from '../host/log.ts';
import { readableStack } from '../host/stack.ts';
import { apiError } from './api-errors.ts';

/** The body of every answer that is not a success; `application/problem+json`. */
export interface Problem {
  /** `urn:pvc:error:CODE`. */
  readonly type: string;
  /** The code in words, the same for every problem of the type. */
  readonly title: string;
  readonly status: number;
  /** One sentence with the values in it. */
  readonly detail: string;
  readonly code: string;
  readonly hint: string;
  /** Name of the CLI's exit code (`exitCode` in core/error/error.ts). */
  readonly exit: string;
  /** One line each. */
  readonly details: readonly string[];
  /** `urn:pvc:request:ID`; the log of the node knows the id. */
  readonly instance: string;
}

/** A header beside the problem, as `Allow` or `Retry-After`: errors carry them in here. */
const headersOf = new WeakMap<PvcError, Readonly<Record<string, string>>>();

/** Gives an error response headers. Returns the error. */
export function withHeaders(error: PvcError, headers: Readonly<Record<string, string>>): PvcError {
  headersOf.set(error, headers);
  return error;
}

/**
 * The error as it may be shown. What is not a `PvcError` is logged with the request's id and becomes
 * INTERNAL: its own words may hold what the caller must not see.
 */
export function shownError(error: unknown, request: string, log: Logger): PvcError {
  if (error instanceof PvcError) return error;
  log.error('an unexpected error', {
    request,
    reason: errorText(error),
    stack: readableStack(error),
  });
  return apiError('INTERNAL');
}

export function problemOf(error: PvcError, request: string): Problem {
  return {
    type: `urn:pvc:error:${error.code}`,
    title: titleOf(error.code),
    status: error.http,
    detail: error.message,
    code: error.code,
    hint: error.hint,
    exit: error.exit,
    details: error.details,
    instance: `urn:pvc:request:${request}`,
  };
}

/** `INPUT_INVALID` → `Input invalid`. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function problemResponse(error: PvcError, request: string): Response {
  return new Response(JSON.stringify(problemOf(error, request)), {
    status: error.http,
    headers: { 'content-type': 'application/problem+json', ...headersOf.get(error) },
  });
}

/** RFC 6455 section 5.5: a close reason has at most 123 bytes. */
const maxReasonBytes = 123;

/** Code and message for the reason of a WebSocket's close frame, as JSON, the message cut to what fits. */
export function closeReason(error: PvcError): string {
  const characters = Array.from(error.message);
  for (;;) {
    const text = JSON.stringify({ code: error.code, detail: characters.join('') });
    if (Buffer.byteLength(text) <= maxReasonBytes || characters.length === 0) return text;
    characters.length -= 1;
  }
}
