/**
 * Where this checkout is.
 * @module
 */
import { resolve } from 'node:path';

/** The absolute path of the repository's root. */
export const repository: string = resolve(import.meta.dirname, '../..');
