/** Callers who wait for something, in their order, none of them for ever. @module */
import type { Clock } from '../../../core/plugin/api.ts';

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

export class Waiting {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #waiters: Waiter[] = [];

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /**
   * Resolves when it is admitted.
   * @param late what it fails with after `waitMs`
   * @throws the signal's reason, and what `refuseAll` was told
   */
  wait(waitMs: number, late: () => Error, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const leave = (): void => {
        cancel();
        signal?.removeEventListener('abort', abort);
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
      };
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve();
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = (): void => waiter.refuse(signal?.reason as Error);
      const cancel = this.#clock.after(waitMs, () => waiter.refuse(late()));
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Admits the one who has waited longest. @returns false when nobody waits */
  admitOne(): boolean {
    const first = this.#waiters[0];
    first?.admit();
    return first !== undefined;
  }

  admitAll(): void {
    for (const { admit } of [...this.#waiters]) admit();
  }

  refuseAll(error: () => Error): void {
    for (const { refuse } of [...this.#waiters]) refuse(error());
  }
}
