/**
 * How often guests have ended although they are meant to run: the longer that goes on, the longer the
 * pause before the next start.
 * @module
 */

import type { Clock } from '../../core/plugin/api.ts';

/** The ends of one guest by itself, as far as they count together. */
export interface Ends {
  readonly count: number;
  /** Wall clock, for people. */
  readonly lastMs: number;
  /** How long ago that was, by the clock that nobody sets: a pause must not grow by what a wrong clock is put back. */
  readonly agoMs: number;
  /** Of the last one, in libvirt's words: `crashed`, `shutdown`, `destroyed`, `failed`. */
  readonly reason: string;
}

export const noEnds: Ends = { count: 0, lastMs: 0, agoMs: 0, reason: '' };

/** A guest that has run this long counts as steady: its next end is the first again. */
const steadyMs = 5 * 60_000;

/** So many ends together are worth an administrator's attention. */
export const manyEnds = 3;

export class GuestEnds {
  readonly #runs = new Map<string, { readonly run: number; readonly sinceMs: number }>();
  readonly #ends = new Map<string, Omit<Ends, 'agoMs'> & { readonly atMs: number }>();
  readonly #crashing = new Set<string>();
  readonly #clock: Pick<Clock, 'wallMs' | 'monotonicMs'>;

  constructor(clock: Pick<Clock, 'wallMs' | 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** It has crashed and is about to end: libvirt may tell of that as of one that was destroyed. */
  crashes(uuid: string): void {
    this.#crashing.add(uuid);
  }

  /** A guest has ended. Whether it was meant to is found out later: see `forget`. */
  note(uuid: string, told: string): void {
    const reason = this.#crashing.delete(uuid) ? 'crashed' : told;
    const count = this.of(uuid).count + 1;
    this.#ends.set(uuid, { count, lastMs: this.#clock.wallMs(), atMs: this.#clock.monotonicMs(), reason });
  }

  of(uuid: string): Ends {
    const ends = this.#ends.get(uuid);
    if (ends === undefined) return noEnds;
    const { atMs, ...rest } = ends;
    const agoMs = this.#clock.monotonicMs() - atMs;
    if (agoMs <= steadyMs) return { ...rest, agoMs };
    this.#ends.delete(uuid);
    return noEnds;
  }

  /** @param run libvirt's number of its present run @returns how long until that counts as steady; 0: it does */
  steadyInMs(uuid: string, run: number): number {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#runs.get(uuid);
    const seen = known?.run === run ? known : { run, sinceMs: nowMs };
    this.#runs.set(uuid, seen);
    return Math.max(0, seen.sinceMs + steadyMs - nowMs);
  }

  /** Somebody wants it off, or has started it anew: what was before does not count any more. */
  forget(uuid: string): void {
    this.#ends.delete(uuid);
    this.#runs.delete(uuid);
    this.#crashing.delete(uuid);
  }
}
