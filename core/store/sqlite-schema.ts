/** The layout of the SQLite store and how an older layout becomes the newest. @module */
import { type SqliteDatabase, transaction } from './sqlite-driver.ts';
import { storeError } from './store.ts';

/** `PVCs` in ASCII, in the file's header: tells our files from other SQLite databases. */
const applicationId = 0x50_56_43_73;

/** Layout n is made by step n - 1; `PRAGMA user_version` counts the steps that are done. Never edit a step. */
const steps: readonly string[] = [
  `CREATE TABLE session (
     id TEXT PRIMARY KEY,
     owner TEXT NOT NULL UNIQUE,
     -- The lease is on CLOCK_MONOTONIC, which means nothing after another boot.
     boot TEXT NOT NULL,
     lease_until_ms REAL NOT NULL
   ) WITHOUT ROWID;

   CREATE TABLE entry (
     -- AUTOINCREMENT: the number of a deleted entry is never used again, so each life has its own.
     birth INTEGER PRIMARY KEY AUTOINCREMENT,
     key TEXT NOT NULL UNIQUE,
     value TEXT NOT NULL,
     version INTEGER NOT NULL,
     session TEXT REFERENCES session (id)
   );
   CREATE INDEX entry_session ON entry (session) WHERE session IS NOT NULL;

   -- What each commit changed, for the watches of other processes; only the newest rows are kept.
   CREATE TABLE change (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     topics TEXT NOT NULL,
     -- JSON list; NULL when there were too many to name.
     keys TEXT
   );`,
];

export const newestLayout: number = steps.length;

/**
 * Brings the file to the newest layout, all or nothing.
 * @throws PvcError STORE_VERSION, STORE_CORRUPT
 */
export function migrate(database: SqliteDatabase, path: string): void {
  const layout = (): number => Number(database.pragma('user_version', { simple: true }));
  const foreign = (): boolean => {
    if (Number(database.pragma('application_id', { simple: true })) === applicationId) return false;
    return Number(database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()) > 0;
  };
  if (foreign()) throw storeError('STORE_CORRUPT', { path, reason: 'it is a database of another program' });
  if (layout() > newestLayout) throw storeError('STORE_VERSION', { path, found: layout(), known: newestLayout });
  if (layout() === newestLayout) return;
  transaction(database, 'IMMEDIATE', () => {
    // Another process may have done it while this one waited for the lock.
    for (const step of steps.slice(layout())) database.exec(step);
    database.pragma(`application_id = ${applicationId}`);
    database.pragma(`user_version = ${newestLayout}`);
  });
}
