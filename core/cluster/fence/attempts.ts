/**
 * Proofs that are being sought, by fence: each kind once at a time, side by side. Before a node is let in again all of them
 * are ended, so that none of them shuts it out afterwards.
 * @module
 */

interface Attempt {
  readonly ending: AbortController;
  readonly done: Promise<void>;
}

export class Attempts {
  readonly #running = new Map<string, Map<string, Attempt>>();

  /** Begins one, or answers with the one that is under way. The signal aborts when it is to end. */
  run(id: string, kind: string, attempt: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const ofFence = this.#running.get(id) ?? new Map<string, Attempt>();
    const known = ofFence.get(kind);
    if (known !== undefined) return known.done;
    const ending = new AbortController();
    const done = (async () => {
      try {
        await attempt(ending.signal);
      } finally {
        ofFence.delete(kind);
        if (ofFence.size === 0) this.#running.delete(id);
      }
    })();
    ofFence.set(kind, { ending, done });
    this.#running.set(id, ofFence);
    return done;
  }

  /** Ends all of a fence. Resolves once they have ended; how they did is the business of whoever began them. */
  async end(id: string): Promise<void> {
    const all = [...(this.#running.get(id)?.values() ?? [])];
    for (const { ending } of all) ending.abort(new Error('the node is back'));
    await Promise.allSettled(all.map(({ done }) => done));
  }
}
