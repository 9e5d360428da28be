/**
 * A queue of keys: a key that is added while it waits is there once; one that is added while it is
 * worked on is worked on again afterwards; never twice at the same time. Failures back off per key.
 * @module
 */
import type { Clock } from '../host/clock.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  /** Wait after the first failure in a row; doubled at each further one. */
  readonly firstBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Resolves with the time after which to look again, if any; a rejection is a failure. */
  readonly work: (key: string, failures: number) => Promise<number | undefined>;
  readonly failed: (key: string, error: unknown, failures: number) => void;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Keys to work on; whether one of those who added it said that it is urgent. */
  readonly #dirty = new Map<string, boolean>();
  readonly #processing = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, () => void>();
  #idle: (() => void)[] = [];
  #stopped = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Works on the key as soon as there is room; a pending back-off after a failure is cut short only when `urgent`. */
  add(key: string, urgent = true): void {
    if (this.#stopped) return;
    // What asked to be looked at again in some minutes, and has not failed, may be another by now.
    if (!urgent && this.#failures.has(key) && this.#timers.has(key)) return;
    this.#cancelTimer(key);
    this.#dirty.set(key, urgent || this.#dirty.get(key) === true);
    this.#next();
  }

  addLater(key: string, afterMs: number): void {
    if (this.#stopped || this.#dirty.has(key)) return;
    this.#cancelTimer(key);
    this.#timers.set(
      key,
      this.#options.clock.after(afterMs, () => {
        this.#timers.delete(key);
        this.add(key);
      }),
    );
  }

  get length(): number {
    return this.#dirty.size + this.#processing.size;
  }

  /** Takes no new work and resolves when what is being worked on has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#dirty.clear();
    for (const key of [...this.#timers.keys()]) this.#cancelTimer(key);
    if (this.#processing.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #cancelTimer(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }

  #next(): void {
    for (const key of this.#dirty.keys()) {
      if (this.#processing.size >= this.#options.concurrency) return;
      if (this.#processing.has(key)) continue;
      this.#dirty.delete(key);
      this.#processing.add(key);
      void this.#process(key);
    }
  }

  async #process(key: string): Promise<void> {
    const { work, failed, firstBackoffMs, maxBackoffMs } = this.#options;
    const before = this.#failures.get(key) ?? 0;
    let againInMs: number | undefined;
    try {
      againInMs = await work(key, before);
      this.#failures.delete(key);
    } catch (error) {
      this.#failures.set(key, before + 1);
      againInMs = Math.min(firstBackoffMs * 2 ** before, maxBackoffMs);
      // A resync meanwhile is no reason to try again at once what has just failed.
      if (this.#dirty.get(key) === false) this.#dirty.delete(key);
      failed(key, error, before + 1);
    }
    this.#processing.delete(key);
    if (againInMs !== undefined && !this.#dirty.has(key)) this.addLater(key, againInMs);
    if (this.#processing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    if (!this.#stopped) this.#next();
  }
}
