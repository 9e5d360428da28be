/** The clock of one machine: the world's time, with a wall clock that may be wrong and may be set. @module */
import type { Clock } from '../../core/host/clock.ts';
import type { VirtualClock } from '../../core/host/virtual-clock.ts';

/** How long a machine takes from its power button to its first program. */
export const bootMs = 8_000;
/** What the monotonic clock shows when the first program starts. */
const firmwareMs = 3_000;

export class MachineClock implements Clock {
  readonly #world: VirtualClock;
  /** The monotonic clock of a machine begins with its boot; what it was before means nothing. */
  #bootMs = 0;
  #wallOffMs: number;

  constructor(world: VirtualClock, wallOffMs: number) {
    this.#world = world;
    this.#wallOffMs = wallOffMs;
  }

  /** The machine boots now. */
  boot(): void {
    this.#bootMs = this.#world.monotonicMs() - firmwareMs;
  }

  /** A moment of the world on the monotonic clock of this boot. */
  here(worldMs: number): number {
    return worldMs - this.#bootMs;
  }

  /** By how much the wall clock is wrong. */
  get wallOffMs(): number {
    return this.#wallOffMs;
  }

  /** Somebody sets the wall clock. */
  stepWall(ms: number): void {
    this.#wallOffMs += ms;
  }

  monotonicMs(): number {
    return this.here(this.#world.monotonicMs());
  }

  wallMs(): number {
    return Math.round(this.#world.wallMs() + this.#wallOffMs);
  }

  after(ms: number, fn: () => void): () => void {
    return this.#world.after(ms, fn);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#world.sleep(ms, signal);
  }
}
