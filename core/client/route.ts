/** Where an operation is in the API, and how its input is written there. @module */
import { operationError } from '../operation/errors.ts';
import type { Operation } from '../operation/operation.ts';

/** What a client must know of an operation. */
export interface Route {
  readonly name: string;
  readonly type: Operation['type'];
  readonly method: Operation['http']['method'];
  /** Below `/api/v1`, with `{field}`. */
  readonly path: string;
}

export const apiBase = '/api/v1';

export const routeOf = (operation: Operation): Route => ({
  name: operation.name,
  type: operation.type,
  method: operation.http.method,
  path: operation.http.path,
});

const bodyMethods = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The path with its query string, and the body.
 * @throws PvcError INPUT_INVALID when a field of the path is missing or cannot stand in one
 */
export function requestOf(
  route: Route,
  input: unknown,
  more: Readonly<Record<string, string>> = {},
): { readonly path: string; readonly body: string | undefined } {
  const invalid = (reason: string) =>
    operationError(
      'INPUT_INVALID',
      { operation: route.name, command: route.name.replaceAll('.', ' ') },
      { details: [reason] },
    );
  if (input !== undefined && input !== null && (typeof input !== 'object' || Array.isArray(input)))
    throw invalid('the input is no object');
  const left: Record<string, unknown> = { ...(input as Record<string, unknown> | undefined) };
  const path = route.path.replace(/\{(\w+)\}/g, (_whole, field: string) => {
    const value = left[field];
    delete left[field];
    if (value === undefined || value === null) throw invalid(`${field}: is missing`);
    const word = typeof value === 'object' ? JSON.stringify(value) : String(value);
    // Dots as a whole segment are resolved away by every URL library, even when they are escaped.
    if (word === '' || word === '.' || word === '..') throw invalid(`${field}: "${word}" cannot be part of an address`);
    return encodeURIComponent(word);
  });
  const query = new URLSearchParams();
  // What passes in the body of an upload is the stream.
  const inBody = route.type !== 'upload' && bodyMethods.has(route.method);
  if (!inBody)
    for (const [field, value] of Object.entries(left)) for (const word of wordsOf(value)) query.append(field, word);
  for (const [name, value] of Object.entries(more)) query.append(name, value);
  return {
    path: `${apiBase}${path}${query.size > 0 ? `?${query.toString()}` : ''}`,
    body: inBody ? JSON.stringify(left) : undefined,
  };
}

/** A value as the words of a query string: a list repeats the name, what has parts is JSON. */
function wordsOf(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [wordOf(value)];
  const words = value.map(wordOf);
  const [first] = words;
  // No words at all, or one that looks like a list itself, would be read as something else.
  if (first === undefined || (words.length === 1 && first.startsWith('['))) return [JSON.stringify(value)];
  return words;
}

const wordOf = (value: unknown): string =>
  value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value);
