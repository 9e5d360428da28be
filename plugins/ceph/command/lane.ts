/** A bound on what runs at once; the rest waits its turn, not for ever. @module */
import type { Clock } from '../../../core/plugin/api.ts';

interface Waiter {
  readonly enter: () => void;
  readonly refuse: (error: Error) => void;
}

export class Lane {
  readonly #clock: Pick<Clock, 'after'>;
  readonly limit: number;
  #running = 0;
  readonly #waiting: Waiter[] = [];

  constructor(clock: Pick<Clock, 'after'>, limit: number) {
    this.#clock = clock;
    this.limit = limit;
  }

  /**
   * Does it as soon as there is room.
   * @param late what it fails with when there is none within `waitMs`
   * @throws the signal's reason, and what `refuseWaiting` was told
   */
  async pass<T>(waitMs: number, late: () => Error, signal: AbortSignal | undefined, act: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted();
    if (this.#running < this.limit) this.#running += 1;
    else await this.#turn(waitMs, late, signal);
    try {
      return await act();
    } finally {
      // Whoever is next takes over the place.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next.enter();
    }
  }

  /** Sends everybody away who waits. */
  refuseWaiting(error: () => Error): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(error());
  }

  #turn(waitMs: number, late: () => Error, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
      };
      const waiter: Waiter = {
        enter: () => {
          leave();
          resolve();
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const giveUp = (error: Error): void => {
        const at = this.#waiting.indexOf(waiter);
        if (at >= 0) this.#waiting.splice(at, 1);
        waiter.refuse(error);
      };
      const abort = (): void => giveUp(signal?.reason as Error);
      const cancel = this.#clock.after(waitMs, () => giveUp(late()));
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.push(waiter);
    });
  }
}
