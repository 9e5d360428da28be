/** A bound on what runs at once; the rest waits its turn, not for ever. @module */
import type { Clock } from '../../../core/plugin/api.ts';
import { Waiting } from './waiting.ts';

export class Lane {
  readonly limit: number;
  readonly waiting: Waiting;
  #running = 0;

  constructor(clock: Pick<Clock, 'after'>, limit: number) {
    this.limit = limit;
    this.waiting = new Waiting(clock);
  }

  /**
   * Does it as soon as there is room.
   * @param late what it fails with when there is none within `waitMs`
   * @throws the signal's reason, and what those who wait were refused with
   */
  async pass<T>(waitMs: number, late: () => Error, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.limit) this.#running += 1;
    else await this.waiting.wait(waitMs, late, signal);
    try {
      return await act();
    } finally {
      // Whoever is next takes over the place.
      if (!this.waiting.admitOne()) this.#running -= 1;
    }
  }
}
