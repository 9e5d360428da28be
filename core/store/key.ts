/** The rules of keys, and the checks that every back end makes before it takes a commit. @module */
import { type Key, maxCommitOps, maxKeyLength, maxValueBytes, type Op, storeError } from './store.ts';

const keyPattern = /^(\/[A-Za-z0-9][A-Za-z0-9._:@+-]*)+$/;

/** @throws PvcError STORE_KEY unless `key` is a path of one or more valid segments. */
export function requireKey(key: Key): void {
  if (key.length > maxKeyLength || !keyPattern.test(key)) throw storeError('STORE_KEY', { key });
}

/**
 * What every key below `prefix` starts with: `/vm/` for `/vm`, and `/` for `/`, the prefix of everything.
 * @throws PvcError STORE_KEY
 */
export function stemOf(prefix: Key): string {
  if (prefix === '/') return prefix;
  requireKey(prefix);
  return `${prefix}/`;
}

/** The keys that an operation changes: none for the two that only look. */
export const changes = (op: Op): boolean => op.op !== 'check' && op.op !== 'absent';

/** @throws PvcError STORE_KEY, STORE_TOO_LARGE */
export function requireOps(ops: readonly Op[]): void {
  if (ops.length > maxCommitOps) {
    throw storeError('STORE_TOO_LARGE', { what: 'A commit', size: `${ops.length} operations`, limit: maxCommitOps });
  }
  for (const op of ops) {
    requireKey(op.key);
    if (op.op !== 'create' && op.op !== 'put') continue;
    const size = Buffer.byteLength(op.value);
    if (size > maxValueBytes) {
      throw storeError('STORE_TOO_LARGE', {
        what: `The value of ${op.key}`,
        size: `${size} bytes`,
        limit: maxValueBytes,
      });
    }
  }
}
