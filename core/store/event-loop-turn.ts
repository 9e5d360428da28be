/**
 * Keeps a store whose calls never wait for anything from holding up the rest of the process: a loop of such
 * calls would let no timer and no socket through, not even the one that keeps the session alive.
 * @module
 */
import type { Clock } from '../host/clock.ts';

/** A sequence of calls may go on for this long before timers and sockets have their turn. */
const longestMs = 10;

export class EventLoopTurn {
  readonly #clock: Clock;
  /** When a call first came in this turn; undefined when the turn is over. */
  #sinceMs: number | undefined;
  #over: Promise<void> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves at once, or in the next turn when this one has lasted too long. */
  async share(): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#sinceMs === undefined) {
      this.#sinceMs = nowMs;
      this.#over = new Promise((resolve) => {
        this.#clock.after(0, () => {
          this.#sinceMs = undefined;
          resolve();
        });
      });
    } else if (nowMs - this.#sinceMs > longestMs) await this.#over;
  }
}
