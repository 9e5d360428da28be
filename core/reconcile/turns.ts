/** Work that must not overlap. @module */

/** Does one piece of work after the other, in the order in which it came; one that fails keeps no other back. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves and rejects as `work` does, once all that came before has ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
