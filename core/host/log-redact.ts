/** Keeps secrets out of the log and makes errors readable in it. @module */
import { errorText } from '../error/error.ts';

/** `password`, `authToken`, `clientSecret`, `key`, `private_key` … but not `keyCount` or `monkey`. */
const secretName =
  /(^|[a-z0-9_-])(password|passwd|passphrase|token|secret)$|^key$|(private|api|secret|access|encryption)[_-]?key$/i;

/** Names that a line uses itself; a field of that name would appear twice in the JSON. */
const ownNames = new Set(['level', 'time', 'msg', 'component']);

/** Deeper than this a log line is not read by anyone; it also ends cycles. */
const deepest = 6;

function clean(value: unknown, depth: number): unknown {
  if (value instanceof Error) {
    const { code, stack } = value as NodeJS.ErrnoException;
    return { message: errorText(value), ...(code === undefined ? {} : { code }), stack };
  }
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth >= deepest) return '…';
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Set) return [...value].map((item) => clean(item, depth + 1));
  if (value instanceof Map) return cleanObject(Object.fromEntries(value as Map<string, unknown>), depth);
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  return cleanObject(value, depth);
}

function cleanObject(fields: object, depth: number): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    out[name] = secretName.test(name) && value !== undefined ? '[redacted]' : clean(value, depth + 1);
  }
  return out;
}

/** The fields of a line as they may be written: secrets hidden at any depth, errors as text and stack. */
export function loggable(fields: object): Record<string, unknown> {
  const cleaned = cleanObject(fields, 0);
  for (const name of ownNames) {
    if (!(name in cleaned)) continue;
    cleaned[`${name}_`] = cleaned[name];
    delete cleaned[name];
  }
  return cleaned;
}
