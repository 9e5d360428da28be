/**
 * Once Ceph was found away, nobody waits for it any more: whoever asks is told so at once, and one probe at a time looks
 * whether it is back.
 * @module
 */
import type { Clock } from '../../../core/plugin/api.ts';
import { Waiting } from './waiting.ts';

/** Pauses between two probes, each of which takes some seconds itself while nobody answers. */
const firstPauseMs = 500;
const longestPauseMs = 5_000;

export interface Away {
  /** In Ceph's words. */
  readonly reason: string;
  /** On the monotonic clock. */
  readonly sinceMs: number;
}

export interface BreakerParts {
  readonly clock: Clock;
  /** Asks the monitors; why they are away, undefined when they answer. Never rejects unless the signal aborts. */
  readonly probe: () => Promise<string | undefined>;
  /** Called when it opens. */
  readonly opened: () => void;
  /** Aborts when the daemon stops. */
  readonly signal: AbortSignal | undefined;
}

export class Breaker {
  readonly #parts: BreakerParts;
  /** Those for whom it may take a while until Ceph is back. */
  readonly waiting: Waiting;
  #away: Away | undefined;
  #probing: Promise<string | undefined> | undefined;

  constructor(parts: BreakerParts) {
    this.#parts = parts;
    this.waiting = new Waiting(parts.clock);
  }

  /** Undefined while Ceph answers, as far as is known. */
  get away(): Away | undefined {
    return this.#away;
  }

  /** A call found nobody. */
  open(reason: string): void {
    if (this.#away !== undefined) return;
    this.#away = { reason, sinceMs: this.#parts.clock.monotonicMs() };
    this.#parts.opened();
    this.#follow(this.#untilBack());
  }

  /** A call took too long: that may be the monitors, or only what it asked for. The next probe tells. */
  suspect(): void {
    if (this.#away !== undefined || this.#probing !== undefined) return;
    this.#follow(
      this.#probe().then((reason) => {
        if (reason !== undefined) this.open(reason);
      }),
    );
  }

  async #untilBack(): Promise<void> {
    const { clock, signal } = this.#parts;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      await clock.sleep(pauseMs, signal);
      if ((await this.#probe()) === undefined) break;
    }
    this.#away = undefined;
    this.waiting.admitAll();
  }

  #probe(): Promise<string | undefined> {
    this.#probing ??= this.#parts.probe().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  /** The end of the daemon ends it; anything else is a fault of this program, and must be seen. */
  #follow(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (this.#parts.signal?.aborted !== true) throw error;
    });
  }
}
