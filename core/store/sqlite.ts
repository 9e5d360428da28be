/**
 * The store in a file, for clusters of one node: SQLite in WAL mode, every commit synced to the disk before
 * it is answered. The daemon and commands without a daemon may have the same file open at once.
 * @module
 */
import { dirname } from 'node:path';
import type { Host } from '../host/host.ts';
import { EventLoopTurn } from './event-loop-turn.ts';
import { requireKey, requireOps, stemOf } from './key.ts';
import { openDatabase, type SqliteDatabase, transaction } from './sqlite-driver.ts';
import { SqliteEntries } from './sqlite-entries.ts';
import { storeErrorOf } from './sqlite-error.ts';
import { SqliteFeed } from './sqlite-feed.ts';
import { lockWaitMs, retryWhileBusy } from './sqlite-retry.ts';
import { migrate } from './sqlite-schema.ts';
import { SqliteSession } from './sqlite-session.ts';
import { type Patient, SqliteWriter } from './sqlite-writer.ts';
import {
  type CommitResult,
  type Dirty,
  type Entry,
  type Key,
  type Op,
  type Session,
  type Store,
  storeError,
  type Topic,
} from './store.ts';

type StoreHost = Pick<Host, 'clock' | 'files' | 'log' | 'machine' | 'random'>;

export interface SqliteStoreOptions {
  /** The database file; its directory is made (mode 0700) when it is not there. */
  readonly path: string;
  /** Who opens it (`daemon`, `cli-4711`): a new session of the same owner replaces the older one. */
  readonly owner: string;
  /** How long a dead process's ephemeral entries stay. Default 6000. */
  readonly leaseMs?: number;
  /** Default: a third of the lease. */
  readonly refreshMs?: number;
  /** How often a store with watches looks for commits of other processes. Default 50. */
  readonly pollMs?: number;
  /** How long a call waits for another process's lock before it is STORE_UNAVAILABLE. Default 5000. */
  readonly patienceMs?: number;
}

/**
 * Opens the store, and makes it when it does not exist.
 * @throws PvcError STORE_CORRUPT, STORE_VERSION, STORE_FULL, STORE_UNAVAILABLE, FILE_DENIED, DISK_FULL
 */
export async function openSqliteStore(host: StoreHost, options: SqliteStoreOptions): Promise<Store> {
  const { path, patienceMs = 5000 } = options;
  const retry = <T>(attempt: () => T): Promise<T> => retryWhileBusy(host.clock, path, patienceMs, attempt);
  await prepareFile(host, path);
  const { bootId } = await host.machine.facts();
  let database: SqliteDatabase | undefined;
  try {
    const opened = openDatabase(path, lockWaitMs);
    database = opened;
    await retry(() => configure(opened, path));
    await retry(() => migrate(opened, path));
    const store = new SqliteStore(host, opened, { ...options, patienceMs, bootId });
    await retry(() => store.begin());
    return store;
  } catch (error) {
    database?.close();
    throw storeErrorOf(error, path);
  }
}

/** SQLite would create the file with the umask's mode; its companions (-wal, -shm) take the mode of the file. */
async function prepareFile(host: StoreHost, path: string): Promise<void> {
  if ((await host.files.stat(dirname(path))) === undefined) await host.files.makeDirectory(dirname(path), 0o700);
  await host.files.append(path, '', 0o600);
  const mode = (await host.files.stat(path))?.mode ?? 0;
  if ((mode & 0o077) !== 0) host.log.warn('the store can be read by others', { path, mode: mode.toString(8) });
}

function configure(database: SqliteDatabase, path: string): void {
  const mode = database.pragma('journal_mode = WAL', { simple: true });
  if (mode !== 'wal') {
    throw storeError('STORE_UNAVAILABLE', { reason: `${path}: this file system cannot hold a WAL database` });
  }
  database.pragma('synchronous = FULL');
  database.pragma('temp_store = MEMORY'); // the daemon must not depend on a writable /tmp
}

class SqliteStore implements Store {
  readonly backend = 'sqlite';
  readonly #host: StoreHost;
  readonly #database: SqliteDatabase;
  readonly #path: string;
  readonly #patienceMs: number;
  readonly #entries: SqliteEntries;
  readonly #feed: SqliteFeed;
  readonly #session: SqliteSession;
  readonly #writer: SqliteWriter;
  readonly #turn: EventLoopTurn;
  /** Why nothing works any more; undefined while it does. */
  #over: Error | undefined;
  #closing: Promise<void> | undefined;
  #words = 0;

  constructor(
    host: StoreHost,
    database: SqliteDatabase,
    options: SqliteStoreOptions & { readonly patienceMs: number; readonly bootId: string },
  ) {
    const { path, leaseMs = 6000, refreshMs = leaseMs / 3, pollMs = 50 } = options;
    const { clock } = host;
    this.#host = host;
    this.#database = database;
    this.#path = path;
    this.#patienceMs = options.patienceMs;
    this.#entries = new SqliteEntries(database);
    this.#feed = new SqliteFeed(clock, database, this.#entries, path, pollMs);
    const look = (): void => this.#feed.look();
    this.#session = new SqliteSession(
      host,
      database,
      this.#entries,
      { ...options, leaseMs, refreshMs },
      {
        onExpired: look,
        onRenewed: () => this.#feed.resync(),
        onReplaced: (reason) => {
          this.#over = reason;
          this.#feed.end(reason);
        },
      },
    );
    this.#turn = new EventLoopTurn(clock);
    const patient: Patient = (attempt) => retryWhileBusy(clock, path, options.patienceMs, attempt);
    this.#writer = new SqliteWriter(patient, this.#turn, database, this.#entries, this.#session, path, look);
  }

  get session(): Session {
    return this.#session.tracked;
  }

  /** Opens the session; nothing else may be called before. */
  begin(): void {
    this.#session.open();
  }

  async read(key: Key): Promise<Entry | undefined> {
    requireKey(key);
    return this.#look(() => this.#entries.get(key));
  }

  async readMany(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    for (const key of keys) requireKey(key);
    return this.#lookLong(() => keys.map((key) => this.#entries.get(key)));
  }

  async children(prefix: Key): Promise<string[]> {
    stemOf(prefix);
    return this.#lookLong(() => this.#entries.children(prefix));
  }

  async list(prefix: Key): Promise<Entry[]> {
    stemOf(prefix);
    return this.#look(() => this.#entries.list(prefix));
  }

  async commit(ops: readonly Op[], topics: readonly Topic[] = []): Promise<CommitResult> {
    requireOps(ops);
    this.#requireOpen();
    if (ops.length === 0) return { outcome: 'ok' };
    if (this.session.state === 'lost') {
      throw storeError('STORE_UNAVAILABLE', { reason: 'the session of this process has ended' });
    }
    return this.#writer.commit(ops, topics);
  }

  watch(topics: readonly Topic[], signal: AbortSignal): AsyncIterable<Dirty> {
    return this.#feed.watch(topics, signal, () => this.#requireOpen());
  }

  freshWord(): string {
    this.#words += 1;
    return `${this.#session.id}-${this.#words}`;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const replaced = this.#over !== undefined;
    this.#over ??= storeError('STORE_UNAVAILABLE', { reason: 'it has been closed' });
    await this.#writer.idle();
    this.#feed.end();
    if (!replaced) {
      try {
        await retryWhileBusy(this.#host.clock, this.#path, this.#patienceMs, () => this.#session.close());
      } catch (error) {
        this.#host.log.warn('the session could not be ended and stays until its lease is over', { error });
      }
    }
    this.#database.close();
  }

  #requireOpen(): void {
    if (this.#over !== undefined) throw this.#over;
  }

  async #look<T>(body: () => T): Promise<T> {
    this.#requireOpen();
    await this.#turn.share();
    // Readers are not kept waiting in WAL mode, except for a moment when another process opens or closes it.
    const attempt = (): T => {
      this.#requireOpen();
      return body();
    };
    try {
      return await retryWhileBusy(this.#host.clock, this.#path, this.#patienceMs, attempt);
    } catch (error) {
      throw storeErrorOf(error, this.#path);
    }
  }

  /** For more than one statement: all see the same moment. */
  #lookLong<T>(body: () => T): Promise<T> {
    return this.#look(() => transaction(this.#database, 'DEFERRED', body));
  }
}
