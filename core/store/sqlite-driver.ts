/**
 * The one place that loads SQLite. This entry of better-sqlite3 names its native part by a fixed path, which
 * the bundler of the single executable redirects to an embedded copy.
 * @module
 */
import Database, { type SqliteDatabase } from 'better-sqlite3/linux-x64';

export type { SqliteDatabase };

/** Opens or creates a database file. `lockWaitMs` blocks this thread, so it must be short. */
export function openDatabase(path: string, lockWaitMs: number): SqliteDatabase {
  return new Database(path, { timeout: lockWaitMs });
}

/** The extended result code of an error from SQLite (`SQLITE_FULL`), undefined for any other error. */
export function sqliteCode(error: unknown): string | undefined {
  return error instanceof Database.SqliteError ? error.code : undefined;
}

/** Runs `body` in a transaction of the given kind; whatever it throws undoes everything. */
export function transaction<T>(database: SqliteDatabase, kind: 'DEFERRED' | 'IMMEDIATE', body: () => T): T {
  database.exec(`BEGIN ${kind}`);
  try {
    const result = body();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // Some errors (a full disk) have ended the transaction already.
    if (database.inTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/**
 * Like `transaction`, for one that writes. When the disk is full, what the log holds is moved to its place in
 * the file, which needs no space if the pages are there already, and the room in the log is used again: so a
 * disk that others have filled stops neither leases nor small changes.
 */
export function writeTransaction<T>(database: SqliteDatabase, body: () => T): T {
  try {
    return transaction(database, 'IMMEDIATE', body);
  } catch (error) {
    if (sqliteCode(error) !== 'SQLITE_FULL') throw error;
    database.pragma('wal_checkpoint(PASSIVE)');
    return transaction(database, 'IMMEDIATE', body);
  }
}
