/** Plain data that nobody may change any more. @module */

/**
 * Freezes plain data (objects, lists and values) as deep as it goes, and returns it: whoever shares it cannot change it for the
 * others, and one who tries hears so (a TypeError).
 */
export function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object') return value;
  Object.freeze(value);
  for (const part of Object.values(value)) frozen(part);
  return value;
}
