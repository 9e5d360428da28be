/** Problem documents (RFC 9457) back into the errors that they were made of. @module */
import { type ExitName, exitCode, PvcError } from '../error/error.ts';

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const maxText = 16_384;
const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, maxText) : '');

/** The error that the document tells of; undefined when it is no problem document of PVC. */
export function problemError(document: unknown, status?: number): PvcError | undefined {
  if (!isObject(document) || typeof document['code'] !== 'string' || !/^[A-Z][A-Z0-9_]{1,63}$/.test(document['code']))
    return undefined;
  const told = typeof document['status'] === 'number' ? document['status'] : undefined;
  const exit = document['exit'];
  const details = Array.isArray(document['details'])
    ? document['details'].filter((line) => typeof line === 'string').map(text)
    : [];
  return new PvcError(
    document['code'],
    text(document['detail']) || document['code'],
    {
      hint: text(document['hint']),
      http: status ?? told ?? 500,
      exit: typeof exit === 'string' && Object.hasOwn(exitCode, exit) ? (exit as ExitName) : 'failed',
    },
    { details },
  );
}
