/** The part of better-sqlite3 13 that PVC uses; the package carries no types for this entry. */
declare module 'better-sqlite3/linux-x64' {
  class SqliteError extends Error {
    /** An extended result code: `SQLITE_BUSY_SNAPSHOT`. */
    readonly code: string;
  }

  interface Statement {
    run(...values: unknown[]): { changes: number; lastInsertRowid: number };
    get(...values: unknown[]): unknown;
    all(...values: unknown[]): unknown[];
    /** Rows become the value of their first column. */
    pluck(): this;
  }

  interface SqliteDatabase {
    readonly inTransaction: boolean;
    prepare(sql: string): Statement;
    exec(sql: string): this;
    pragma(text: string, options?: { simple?: boolean }): unknown;
    close(): this;
  }

  interface DatabaseConstructor {
    /** `timeout`: how long a call waits for a lock, in milliseconds, blocking this thread. */
    new (path: string, options?: { timeout?: number; fileMustExist?: boolean }): SqliteDatabase;
    readonly SqliteError: typeof SqliteError;
  }

  export type { SqliteDatabase, SqliteError, Statement };

  const Database: DatabaseConstructor;
  export default Database;
}
