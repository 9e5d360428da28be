/** One life of a daemon, which ends before or after something that outlives it. @module */

export class MortalLife {
  readonly #over = new AbortController();
  readonly #cut: number | undefined;
  /** How many moments there were in which it could have been killed. */
  moments = 0;

  /** @param cut the moment in which it is killed; it lives on unless given */
  constructor(cut?: number) {
    this.#cut = cut;
  }

  /** Aborts with its end. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Does what outlives it, between two moments. */
  readonly lasting = async <T>(act: () => Promise<T>): Promise<T> => {
    this.#moment();
    const done = await act();
    this.#moment();
    return done;
  };

  #moment(): void {
    this.signal.throwIfAborted();
    if (this.moments === this.#cut) this.#over.abort(new Error('killed'));
    this.moments += 1;
    this.signal.throwIfAborted();
  }
}
