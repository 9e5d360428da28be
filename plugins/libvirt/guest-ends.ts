/**
 * How often guests have ended although they are meant to run: the longer that goes on, the longer the
 * pause before the next start.
 * @module
 */

/** The ends of one guest by itself, as far as they count together. */
export interface Ends {
  readonly count: number;
  /** Wall clock. */
  readonly lastMs: number;
  /** Of the last one, in libvirt's words: `crashed`, `shutdown`, `destroyed`, `failed`. */
  readonly reason: string;
}

export const noEnds: Ends = { count: 0, lastMs: 0, reason: '' };

/** A guest that has run this long counts as steady: its next end is the first again. */
const steadyMs = 5 * 60_000;

/** So many ends together are worth an administrator's attention. */
export const manyEnds = 3;

export class GuestEnds {
  readonly #ends = new Map<string, Ends>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A guest has ended. Whether it was meant to is found out later: see `forget`. */
  note(uuid: string, reason: string): void {
    this.#ends.set(uuid, { count: this.of(uuid).count + 1, lastMs: this.#nowMs(), reason });
  }

  of(uuid: string): Ends {
    const ends = this.#ends.get(uuid);
    if (ends === undefined) return noEnds;
    if (this.#nowMs() - ends.lastMs <= steadyMs) return ends;
    this.#ends.delete(uuid);
    return noEnds;
  }

  /** Somebody wants it off, or has started it anew: what was before does not count any more. */
  forget(uuid: string): void {
    this.#ends.delete(uuid);
  }
}
