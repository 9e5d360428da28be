/** Gathers an operation's input from the path, the query string and the body of a request. @module */

import type { z } from 'zod';
import type { Operation } from '../operation/operation.ts';
import { apiError } from './api-errors.ts';
import { parseJson } from './json-text.ts';
import { withHeaders } from './problem.ts';
import { coerceField, queryInput } from './query-input.ts';

/** Bytes that a body may have unless its operation says otherwise. */
export const defaultMaxBodyBytes = 1024 * 1024;

export interface RequestInput {
  readonly input: Record<string, unknown>;
  /** `?plan=true`: only show what would be done. */
  readonly plan: boolean;
  /** `?after=ID` of a feed. */
  readonly after: string | undefined;
}

/**
 * A body that is too large, but no larger than this, is taken and dropped before it is refused: to close
 * upon what is unread resets the connection (RFC 9112 section 9.6), and the caller may never see the answer.
 */
const droppedBytes = 16 * 1024 * 1024;

const bodyMethods = new Set(['POST', 'PUT', 'PATCH']);

/** @throws PvcError BODY_TOO_LARGE, CONTENT_TYPE_WRONG, JSON_MALFORMED, FIELD_CONTRADICTS and the like */
export async function requestInput(
  operation: Operation,
  request: Request,
  pathValues: Readonly<Record<string, string>>,
): Promise<RequestInput> {
  const shape = (operation.input as z.ZodObject<Record<string, z.ZodType>>).shape;
  const query = new URL(request.url).searchParams;
  // Reserved words give way to a field of the same name.
  const take = (name: string): string | undefined => {
    if (Object.hasOwn(shape, name)) return undefined;
    const value = query.get(name) ?? undefined;
    query.delete(name);
    return value;
  };
  const planText = operation.type === 'mutation' ? take('plan') : undefined;
  if (planText !== undefined && planText !== 'true' && planText !== 'false')
    throw apiError('PLAN_FLAG', { value: planText });
  const after = operation.type === 'feed' ? take('after') : undefined;

  const path = Object.fromEntries(
    Object.entries(pathValues).map(([field, word]) => [field, coerceField(shape[field], [word])]),
  );
  // The body of an upload is no input: it is left where it is.
  const body = operation.type === 'upload' ? undefined : await bodyOf(operation, request);
  let given: Record<string, unknown>;
  if (operation.type !== 'upload' && bodyMethods.has(operation.http.method)) {
    if (query.size > 0)
      throw apiError('QUERY_UNEXPECTED', { operation: operation.name, fields: [...new Set(query.keys())].join(', ') });
    given = body ?? {};
  } else {
    if (body !== undefined) throw apiError('BODY_UNEXPECTED', { operation: operation.name });
    given = queryInput(shape, query);
  }
  for (const [field, value] of Object.entries(path)) {
    if (Object.hasOwn(given, field) && JSON.stringify(given[field]) !== JSON.stringify(value)) {
      throw apiError('FIELD_CONTRADICTS', { field, path: String(value) });
    }
  }
  return { input: { ...given, ...path }, plan: planText === 'true', after };
}

/** The JSON object in the body, undefined when there is no body. */
async function bodyOf(operation: Operation, request: Request): Promise<Record<string, unknown> | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return undefined;
  const limit = operation.maxBodyBytes ?? defaultMaxBodyBytes;
  const tooLarge = () =>
    withHeaders(apiError('BODY_TOO_LARGE', { operation: operation.name, limit }), { connection: 'close' });
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > limit) {
    if (declared <= droppedBytes) await dropBody(request);
    throw tooLarge();
  }
  const announced = declared > 0 || request.headers.has('transfer-encoding');
  if (announced && bodyMethods.has(request.method)) requireJson(request);
  const bytes = await readUpTo(request, limit, tooLarge);
  if (bytes.length === 0) return undefined;
  if (!bodyMethods.has(request.method)) throw apiError('BODY_UNEXPECTED', { operation: operation.name });
  requireJson(request);
  const value = parseJson(decodeUtf8(bytes));
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw apiError('JSON_MALFORMED', { problem: 'expected an object', line: 1, column: 1, offset: 0 });
  }
  return value as Record<string, unknown>;
}

function requireJson(request: Request): void {
  const type = request.headers.get('content-type') ?? 'none';
  const [essence = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (essence !== 'application/json' || (charset !== undefined && !/^charset="?utf-8"?$/.test(charset)))
    throw apiError('CONTENT_TYPE_WRONG', { type, wanted: 'application/json' });
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw apiError('JSON_MALFORMED', { problem: 'it is not UTF-8', line: 1, column: 1, offset: 0 });
  }
}

/** Takes the body and keeps nothing of it. The door's limits bound how long that takes. @throws PvcError BODY_BROKEN */
async function dropBody(request: Request): Promise<void> {
  if (request.body === null) return;
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done } = await reader.read().catch((cause: unknown) => {
      throw apiError('BODY_BROKEN', {}, { cause });
    });
    if (done) return;
  }
}

/** Reads the body and stops as soon as it is larger than allowed. */
async function readUpTo(request: Request, limit: number, tooLarge: () => Error): Promise<Uint8Array> {
  if (request.body === null) return new Uint8Array();
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((cause: unknown) => {
      throw apiError('BODY_BROKEN', {}, { cause });
    });
    if (done) return Buffer.concat(chunks);
    size += value.length;
    if (size > limit) {
      void reader.cancel().catch(() => undefined); // the connection is closed after the answer anyway
      throw tooLarge();
    }
    chunks.push(value);
  }
}
