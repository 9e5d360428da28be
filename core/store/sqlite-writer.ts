/**
 * Takes commits in the order in which they come. Those that come together share one transaction and so one
 * sync to the disk; each is still all or nothing by itself.
 * @module
 */
import type { EventLoopTurn } from './event-loop-turn.ts';
import { type SqliteDatabase, writeTransaction } from './sqlite-driver.ts';
import type { SqliteEntries } from './sqlite-entries.ts';
import { isFull, isInputOutput, storeErrorOf } from './sqlite-error.ts';
import type { SqliteSession } from './sqlite-session.ts';
import { type CommitResult, type Op, storeError, type Topic } from './store.ts';

/** Commits in one transaction: bounds how long the thread is busy with them. */
const maxTogether = 64;

/** Runs an attempt until no other process's lock turns it away, or until patience ends. */
export type Patient = <T>(attempt: () => T) => Promise<T>;

interface Waiting {
  readonly ops: readonly Op[];
  readonly topics: readonly Topic[];
  resolve(result: CommitResult): void;
  reject(error: unknown): void;
}

/** The session had ended before the commit. */
class SessionGone extends Error {}

/** The device failed while the commit was made durable: it may or may not be there. */
class OutcomeUnknown extends Error {}

export class SqliteWriter {
  readonly #patient: Patient;
  readonly #database: SqliteDatabase;
  readonly #entries: SqliteEntries;
  readonly #session: SqliteSession;
  readonly #path: string;
  readonly #onWritten: () => void;
  readonly #turn: EventLoopTurn;
  readonly #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(
    patient: Patient,
    turn: EventLoopTurn,
    database: SqliteDatabase,
    entries: SqliteEntries,
    session: SqliteSession,
    path: string,
    onWritten: () => void,
  ) {
    this.#patient = patient;
    this.#turn = turn;
    this.#database = database;
    this.#entries = entries;
    this.#session = session;
    this.#path = path;
    this.#onWritten = onWritten;
  }

  commit(ops: readonly Op[], topics: readonly Topic[]): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ops, topics, resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when nothing is waiting. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#turn.share(); // what is committed meanwhile comes along
      await this.#write(this.#waiting.splice(0, maxTogether));
    }
    this.#writing = undefined;
  }

  async #write(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#patient(() => this.#attempt(batch));
      for (const [at, waiting] of batch.entries()) waiting.resolve(results[at] as CommitResult);
      this.#onWritten();
    } catch (error) {
      // One that is too large for the disk must not take the others with it.
      if (batch.length > 1 && isFull(error)) {
        for (const waiting of batch) await this.#write([waiting]);
        return;
      }
      if (error instanceof SessionGone) this.#session.onGone();
      for (const waiting of batch) this.#fail(waiting, error);
    }
  }

  #fail(waiting: Waiting, error: unknown): void {
    if (error instanceof OutcomeUnknown) return waiting.resolve({ outcome: 'unknown', cause: error });
    if (error instanceof SessionGone) return waiting.reject(storeError('STORE_UNAVAILABLE', { reason: error.message }));
    waiting.reject(storeErrorOf(error, this.#path));
  }

  #attempt(batch: readonly Waiting[]): CommitResult[] {
    let committing = false;
    try {
      return writeTransaction(this.#database, () => {
        if (!this.#session.present()) throw new SessionGone('the session of this process has ended');
        this.#session.removeEnded();
        const results = batch.map((waiting) => this.#apply(waiting));
        committing = true;
        return results;
      });
    } catch (error) {
      if (committing && isInputOutput(error) && !isFull(error)) {
        throw new OutcomeUnknown(`${this.#path}: the device failed during the commit`, { cause: error });
      }
      throw error;
    }
  }

  #apply(waiting: Waiting): CommitResult {
    this.#database.exec('SAVEPOINT one');
    const result = this.#entries.apply(waiting.ops, waiting.topics, this.#session.id);
    if (result.outcome !== 'ok') this.#database.exec('ROLLBACK TO one');
    this.#database.exec('RELEASE one');
    return result;
  }
}
