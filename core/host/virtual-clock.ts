/**
 * A clock that stands still until it is told to advance. Timers fire in the order of their time, ties in
 * the order in which they were set, and what waits for a timer runs before the next timer fires; so one
 * program with one seed always runs the same way.
 * @module
 */
import type { Clock } from './clock.ts';

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  fn: (() => void) | undefined;
}

const earlier = (a: Timer, b: Timer): boolean => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);

/** Turns for which the event loop is gone round once: that takes as long as some of them do. */
const turnsAtOnce = 64;

/**
 * Takes turns until one returns false. Every promise continuation that can run does so before the first and between any two:
 * the microtask queue is empty before an immediate starts. Rejects with what a turn throws.
 */
const inTurns = (turn: () => boolean): Promise<void> =>
  new Promise((resolve, reject) => {
    let over = false;
    const take = (): void => {
      if (over) return;
      try {
        if (turn()) return;
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error), { cause: error }));
      }
      over = true;
    };
    const round = (): void => {
      for (let count = 0; count < turnsAtOnce; count += 1) setImmediate(take);
      setImmediate(() => {
        if (!over) round();
      });
    };
    round();
  });

export class VirtualClock implements Clock {
  #nowMs: number;
  #wallOffsetMs: number;
  #order = 0;
  #live = 0;
  #advancing = false;
  /** A binary heap: the children of i are 2i+1 and 2i+2. */
  readonly #heap: Timer[] = [];

  /** `monotonicMs` starts at 0 and the wall clock at 2030-01-01T00:00:00Z unless given. */
  constructor(start: { readonly monotonicMs?: number; readonly wallMs?: number } = {}) {
    this.#nowMs = start.monotonicMs ?? 0;
    this.#wallOffsetMs = (start.wallMs ?? Date.UTC(2030, 0, 1)) - this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs + this.#wallOffsetMs;
  }

  /** Moves the wall clock only, as an administrator or NTP would. */
  stepWall(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  /** How many timers are set and have not fired. */
  get pending(): number {
    return this.#live;
  }

  after(ms: number, fn: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, ms), order: this.#order++, fn };
    if (Number.isNaN(timer.dueMs)) throw new RangeError(`not a time to wait: ${ms}`);
    this.#push(timer);
    this.#live += 1;
    return () => {
      if (timer.fn === undefined) return;
      timer.fn = undefined; // stays in the heap until its time: removing from the middle is not worth the code
      this.#live -= 1;
    };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const stop = (): void => {
        cancel();
        reject(signal?.reason as Error);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  /** Lets `ms` pass. Rejects with what a timer's function throws; time then stands where that happened. */
  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#nowMs + ms);
  }

  /**
   * Lets time pass until no timer is left, at most `maxMs`. True when it became idle; the time is then that
   * of the last timer. False when timers are left after `maxMs`.
   */
  async advanceUntilIdle(maxMs: number): Promise<boolean> {
    await this.advanceTo(this.#nowMs + maxMs, () => this.#live === 0);
    return this.#live === 0;
  }

  /**
   * Lets time pass up to a moment, or until `enough` says so, which is asked before each timer: for a simulator, which
   * looks at its world after each event. Rejects as `advance`, and with what `enough` throws.
   */
  async advanceTo(untilMs: number, enough: () => boolean = () => false): Promise<void> {
    if (this.#advancing) throw new Error('the virtual clock is already being advanced');
    this.#advancing = true;
    try {
      await inTurns(() => !enough() && this.#fireNext(untilMs));
    } finally {
      this.#advancing = false;
    }
  }

  /** Fires the next timer that is due by `untilMs`. False when there is none: the time is then `untilMs`. */
  #fireNext(untilMs: number): boolean {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.dueMs > untilMs) {
        this.#nowMs = untilMs;
        return false;
      }
      this.#pop();
      const { fn } = next;
      if (fn === undefined) continue;
      next.fn = undefined;
      this.#live -= 1;
      this.#nowMs = next.dueMs;
      fn();
      return true;
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Timer;
      if (!earlier(timer, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && earlier(right, heap[child] as Timer)) child += 1;
      const below = heap[child] as Timer;
      if (!earlier(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}
