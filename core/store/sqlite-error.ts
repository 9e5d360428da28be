/** What SQLite's result codes (sqlite.org/rescode.html) mean for the store. @module */
import { sqliteCode } from './sqlite-driver.ts';
import { storeError } from './store.ts';

/** Another connection holds the lock: nothing was done, trying again helps. */
export const isBusy = (error: unknown): boolean => sqliteCode(error)?.startsWith('SQLITE_BUSY') ?? false;

/** The device failed in a way that leaves open what is on it. */
export const isInputOutput = (error: unknown): boolean => sqliteCode(error)?.startsWith('SQLITE_IOERR') ?? false;

/** No space. Growing the shared index of the WAL reports it as an I/O error. */
export const isFull = (error: unknown): boolean => {
  const code = sqliteCode(error);
  return code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE';
};

const isCorrupt = (code: string): boolean => code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB';

/** The error to show for what SQLite threw; any other error is returned as it is. */
export function storeErrorOf(error: unknown, path: string): Error {
  const code = sqliteCode(error);
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  const { message } = error as Error;
  if (isFull(error)) return storeError('STORE_FULL', { path }, { cause: error });
  if (isCorrupt(code)) return storeError('STORE_CORRUPT', { path, reason: message }, { cause: error });
  const reason = isBusy(error) ? `another process keeps ${path} locked` : `${path}: ${message} (${code})`;
  return storeError('STORE_UNAVAILABLE', { reason }, { cause: error });
}
