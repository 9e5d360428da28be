/**
 * Tells the watches of one store what changed. Its own commits are told at once; those of other processes
 * are found by asking SQLite's change counter, which costs microseconds, while there is a watch.
 * @module
 */
import type { Clock } from '../host/clock.ts';
import type { SqliteDatabase } from './sqlite-driver.ts';
import type { SqliteEntries } from './sqlite-entries.ts';
import { isBusy, storeErrorOf } from './sqlite-error.ts';
import type { Dirty, Topic } from './store.ts';
import { Watchers } from './watchers.ts';

export class SqliteFeed {
  readonly #clock: Clock;
  readonly #database: SqliteDatabase;
  readonly #entries: SqliteEntries;
  readonly #path: string;
  readonly #pollMs: number;
  readonly #watchers = new Watchers((count) => (count === 0 ? this.#stop() : this.#start()));
  /** The newest change that the watches know of. */
  #seenSeq = 0;
  /** SQLite's counter of commits made by other connections, as of the last look. */
  #dataVersion: unknown;
  #cancelPoll: (() => void) | undefined;

  constructor(clock: Clock, database: SqliteDatabase, entries: SqliteEntries, path: string, pollMs: number) {
    this.#clock = clock;
    this.#database = database;
    this.#entries = entries;
    this.#path = path;
    this.#pollMs = pollMs;
  }

  watch(topics: readonly Topic[], signal: AbortSignal, begin: () => void): AsyncIterable<Dirty> {
    return this.#watchers.watch(topics, signal, begin);
  }

  /** Looks for changes now: after a commit of this store. */
  look(): void {
    if (this.#watchers.count === 0) return;
    try {
      this.#tell();
    } catch (error) {
      // Locked for a moment: the next poll looks again. Anything else is for the readers to know.
      if (!isBusy(error)) this.#watchers.end(storeErrorOf(error, this.#path));
    }
  }

  resync(): void {
    this.#watchers.resync();
  }

  end(error?: Error): void {
    this.#watchers.end(error);
  }

  #tell(): void {
    const dataVersion = this.#database.pragma('data_version', { simple: true });
    const changes = this.#entries.changesAfter(this.#seenSeq);
    this.#dataVersion = dataVersion;
    const first = changes[0];
    if (first === undefined) return; // a refreshed lease, which is nobody's business
    // A gap: what lies in it has been trimmed already.
    if (first.seq !== this.#seenSeq + 1) this.#watchers.resync();
    for (const change of changes) {
      this.#seenSeq = change.seq;
      if (change.keys === undefined) this.#watchers.resync();
      else this.#watchers.notify(change.keys, change.topics);
    }
  }

  #start(): void {
    if (this.#cancelPoll !== undefined) return;
    try {
      // In this order: a commit between the two is found by the first poll, and the first element is a resync.
      this.#dataVersion = this.#database.pragma('data_version', { simple: true });
      this.#seenSeq = this.#entries.lastChange();
    } catch (error) {
      throw storeErrorOf(error, this.#path);
    }
    this.#schedule();
  }

  #stop(): void {
    this.#cancelPoll?.();
    this.#cancelPoll = undefined;
  }

  #schedule(): void {
    this.#cancelPoll = this.#clock.after(this.#pollMs, () => {
      this.#cancelPoll = undefined;
      try {
        if (this.#database.pragma('data_version', { simple: true }) !== this.#dataVersion) this.#tell();
      } catch (error) {
        if (!isBusy(error)) return this.#watchers.end(storeErrorOf(error, this.#path));
      }
      this.#schedule();
    });
  }
}
