/**
 * The session of one process in a SQLite store: a row with a lease that this process keeps refreshing, and
 * that any other process removes, with all that is ephemeral of it, once the lease is over.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { TrackedSession } from './session-state.ts';
import { type SqliteDatabase, writeTransaction } from './sqlite-driver.ts';
import type { SqliteEntries } from './sqlite-entries.ts';
import { storeErrorOf } from './sqlite-error.ts';
import { retryWhileBusy } from './sqlite-retry.ts';
import { storeError } from './store.ts';

export interface SqliteSessionOptions {
  readonly path: string;
  /** Another session of the same owner is replaced at once. */
  readonly owner: string;
  readonly bootId: string;
  readonly leaseMs: number;
  readonly refreshMs: number;
}

/**
 * Refreshes between two moves of the log into the file (a minute by default). Pages that are in the file
 * already need no space, so a disk that fills up later does not stop the leases; see `writeTransaction`.
 */
const refreshesPerCheckpoint = 30;

export interface SqliteSessionEvents {
  /** Ephemeral entries of others have gone. */
  onExpired(): void;
  /** A new session stands in place of the lost one. */
  onRenewed(): void;
  /** Another process has opened a session of the same owner: this one ends for good. */
  onReplaced(reason: Error): void;
}

export class SqliteSession {
  readonly tracked = new TrackedSession(() => this.#leaseUntilMs);
  readonly #host: Pick<Host, 'clock' | 'random' | 'log'>;
  readonly #database: SqliteDatabase;
  readonly #entries: SqliteEntries;
  readonly #options: SqliteSessionOptions;
  readonly #events: SqliteSessionEvents;
  readonly #statements;
  readonly #stop = new AbortController();
  #id: string;
  #leaseUntilMs = 0;
  /** When the next lease of another process may end; looked at then, not at the next refresh. */
  #nextExpiryMs = Number.POSITIVE_INFINITY;
  #refreshes = 0;
  #cancelTick = (): void => {};

  constructor(
    host: Pick<Host, 'clock' | 'random' | 'log'>,
    database: SqliteDatabase,
    entries: SqliteEntries,
    options: SqliteSessionOptions,
    events: SqliteSessionEvents,
  ) {
    this.#host = host;
    this.#database = database;
    this.#entries = entries;
    this.#options = options;
    this.#events = events;
    this.#id = host.random.uuid();
    const sql = (text: string) => database.prepare(text);
    this.#statements = {
      add: sql('INSERT INTO session (id, owner, boot, lease_until_ms) VALUES (?, ?, ?, ?)'),
      refresh: sql('UPDATE session SET lease_until_ms = ? WHERE id = ?'),
      remove: sql('DELETE FROM session WHERE id = ?'),
      present: sql('SELECT 1 FROM session WHERE id = ?').pluck(),
      ofOwner: sql('SELECT id FROM session WHERE owner = ?').pluck(),
      ended: sql('SELECT id FROM session WHERE id <> ? AND (boot <> ? OR lease_until_ms < ?)').pluck(),
      nextEnd: sql('SELECT min(lease_until_ms) FROM session WHERE id <> ?').pluck(),
    };
  }

  get id(): string {
    return this.#id;
  }

  /** The first session of this process, in place of any other of the same owner; then keeps it alive. */
  open(): void {
    this.#begin(() => this.#removeOwner());
    this.#checkpoint();
    this.#schedule(this.#options.refreshMs);
  }

  /** Inside a transaction: false when this session has ended. */
  present(): boolean {
    return this.#statements.present.get(this.#id) !== undefined;
  }

  /** Inside a transaction: ends the sessions of others whose lease is over, or which are of another boot. */
  removeEnded(): boolean {
    const ended = this.#statements.ended.all(
      this.#id,
      this.#options.bootId,
      this.#host.clock.monotonicMs(),
    ) as string[];
    for (const id of ended) this.#remove(id);
    return ended.length > 0;
  }

  /** This session was found to have ended: a new one is begun at once, in the background. */
  onGone(): void {
    this.tracked.become('lost');
    this.#schedule(0);
  }

  /** Ends this session for good. */
  close(): void {
    this.#halt();
    writeTransaction(this.#database, () => this.#remove(this.#id));
  }

  /** Stops keeping it alive; what is left of it ends with its lease. */
  #halt(): void {
    this.#cancelTick();
    this.#stop.abort(storeError('STORE_UNAVAILABLE', { reason: 'the session has ended' }));
    this.#leaseUntilMs = Math.min(this.#leaseUntilMs, this.#host.clock.monotonicMs());
    this.tracked.become('lost');
  }

  #schedule(ms: number): void {
    this.#cancelTick();
    if (this.#stop.signal.aborted) return;
    this.#cancelTick = this.#host.clock.after(ms, () => {
      this.#tick().catch((error: unknown) => {
        // Only a listener that throws gets here; the lease must be kept all the same.
        this.#host.log.error('the session could not be refreshed', { error });
        this.#schedule(this.#options.refreshMs);
      });
    });
  }

  async #tick(): Promise<void> {
    const { clock } = this.#host;
    const { path, refreshMs } = this.#options;
    try {
      const step = this.tracked.state === 'lost' ? () => this.#replaceLost() : () => this.#refresh();
      await retryWhileBusy(clock, path, refreshMs / 2, step, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#onFailure(storeErrorOf(error, path));
      return this.#schedule(refreshMs / 4);
    }
    // The millisecond more: a lease is over when its time is past, not when it has come.
    const expiryMs = this.#nextExpiryMs - clock.monotonicMs() + 1;
    this.#schedule(Math.max(1, Math.min(refreshMs, expiryMs)));
  }

  #onFailure(error: unknown): void {
    const over = this.#host.clock.monotonicMs() >= this.#leaseUntilMs;
    if (this.tracked.state === 'live') {
      this.#host.log.warn('the lease on the store cannot be refreshed', { reason: errorText(error) });
    }
    if (over) this.tracked.become('lost');
    else if (this.tracked.state === 'live') this.tracked.become('suspended');
  }

  #refresh(): void {
    const leaseUntilMs = this.#host.clock.monotonicMs() + this.#options.leaseMs;
    let expired = false;
    const held = this.#lightly(() => {
      if (this.#statements.refresh.run(leaseUntilMs, this.#id).changes === 0) return false;
      expired = this.removeEnded();
      this.#lookAhead();
      return true;
    });
    if (!held) {
      this.tracked.become('lost');
      return this.#replaceLost();
    }
    this.#leaseUntilMs = leaseUntilMs;
    if (this.tracked.state === 'suspended') this.#host.log.info('the lease on the store is refreshed again');
    this.tracked.become('live');
    if (expired) this.#events.onExpired();
    this.#refreshes += 1;
    if (this.#refreshes % refreshesPerCheckpoint === 0) this.#checkpoint();
  }

  #checkpoint(): void {
    try {
      this.#database.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      // The log keeps what it holds; nothing is lost, it only grows.
      const reason = errorText(storeErrorOf(error, this.#options.path));
      this.#host.log.warn('the log of the store cannot be moved into its file', { reason });
    }
  }

  /** A lease needs no sync to the disk: after a power cut the boot is another one and the lease is over anyway. */
  #lightly<T>(body: () => T): T {
    this.#database.pragma('synchronous = NORMAL');
    try {
      return writeTransaction(this.#database, body);
    } finally {
      this.#database.pragma('synchronous = FULL');
    }
  }

  #replaceLost(): void {
    let replaced = false;
    this.#begin(() => {
      // Its own old row may still be there, when the disk was full for longer than the lease.
      this.#remove(this.#id);
      replaced = this.#statements.ofOwner.get(this.#options.owner) !== undefined;
      return !replaced;
    });
    if (replaced) {
      this.#halt();
      const reason = `another process has opened it as ${this.#options.owner}`;
      return this.#events.onReplaced(storeError('STORE_UNAVAILABLE', { reason }));
    }
    this.#host.log.warn('a new session replaces the lost one', { owner: this.#options.owner });
    this.#events.onRenewed();
    this.tracked.renew();
  }

  #begin(makeRoom: () => boolean): void {
    const id = this.#host.random.uuid();
    const leaseUntilMs = this.#host.clock.monotonicMs() + this.#options.leaseMs;
    const begun = writeTransaction(this.#database, () => {
      this.removeEnded();
      if (!makeRoom()) return false;
      this.#statements.add.run(id, this.#options.owner, this.#options.bootId, leaseUntilMs);
      return true;
    });
    if (!begun) return;
    this.#id = id;
    this.#leaseUntilMs = leaseUntilMs;
    this.#lookAhead();
  }

  #removeOwner(): boolean {
    const older = this.#statements.ofOwner.get(this.#options.owner) as string | undefined;
    if (older !== undefined) this.#remove(older);
    return true;
  }

  #remove(id: string): void {
    this.#entries.removeSession(id);
    this.#statements.remove.run(id);
  }

  #lookAhead(): void {
    const nextMs = this.#statements.nextEnd.get(this.#id) as number | null;
    this.#nextExpiryMs = nextMs ?? Number.POSITIVE_INFINITY;
  }
}
