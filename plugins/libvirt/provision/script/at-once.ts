/** Work of which only so much is done at once; the rest waits in the order in which it came. @module */

export class AtOnce {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(most: number) {
    this.#free = most;
  }

  /**
   * @param waits called when the work must wait
   * @throws what `work` throws; the signal's reason when that aborts before the work begins
   */
  async do<T>(work: () => Promise<T>, { signal, waits }: { signal: AbortSignal; waits: () => void }): Promise<T> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else {
      waits();
      await this.#turn(signal);
    }
    try {
      return await work();
    } finally {
      // Handed on, so that nobody who comes now is before those who wait.
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason as Error);
      };
      this.#waiting.push(begin);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}
