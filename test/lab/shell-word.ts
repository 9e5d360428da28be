/**
 * Text for a POSIX shell.
 * @module
 */

/** One word of a POSIX shell, whatever it holds. */
export const shellWord = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
