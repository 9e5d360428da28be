/**
 * The one place that loads SQLite. This entry of better-sqlite3 names its native part by a fixed path, which
 * the bundler of the single executable redirects to an embedded copy.
 * @module
 */
import Database, { type SqliteDatabase, type Statement } from 'better-sqlite3/linux-x64';

export type { SqliteDatabase, Statement };

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
