/** Deep copies of plain data. @module */

/**
 * A deep copy of plain data (objects, lists and values), several times quicker than `structuredClone`, which it leaves the
 * rest to. Throws where that does: a function cannot be copied.
 */
export function copyPlain<T>(value: T): T {
  return copied(value) as T;
}

function copied(value: unknown): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') return structuredClone(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(copied);
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value);
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    // Assigned, it would set the prototype.
    if (key === '__proto__') return structuredClone(value);
    const part: unknown = (value as Record<string, unknown>)[key];
    copy[key] = typeof part === 'string' || typeof part === 'number' ? part : copied(part);
  }
  return copy;
}
