/** The link between one session name and the memory cluster, with the faults that a test asks for. @module */
import type { Clock } from '../host/clock.ts';
import type { Random } from '../host/host.ts';

export interface LatencyRange {
  /** One way, in milliseconds; drawn evenly between the two. */
  readonly minMs: number;
  readonly maxMs: number;
}

/** How often the answer to a commit is lost on its way. */
export interface LostAnswers {
  /** From 0 (never) to 1 (always). */
  readonly rate: number;
  /** Whether the commit was done before the answer was lost; drawn by lot when not given. */
  readonly applied?: boolean;
}

/** What a cut takes away: everything, or only what goes one way. */
export type Cut = 'both' | 'requests' | 'answers';

/** What the link tells to the two at its ends. */
export interface LinkEvents {
  onCut(noticeAfterMs: number, cut: Cut): void;
  onHeal(): void;
}

/** Faults are set here, also before the session is opened. All chance comes from the cluster's seed. */
export class MemoryLink {
  readonly #clock: Clock;
  readonly #random: Random;
  #latency: LatencyRange = { minMs: 0, maxMs: 0 };
  #lost: LostAnswers = { rate: 0 };
  readonly #next: boolean[] = [];
  #cut: Cut | undefined;
  readonly #arrivalMs = { there: 0, back: 0 };
  /** Set by the cluster. */
  events: LinkEvents = { onCut: () => {}, onHeal: () => {} };

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get up(): boolean {
    return this.#cut === undefined;
  }

  /** Whether what goes that way arrives. */
  carries(direction: 'there' | 'back'): boolean {
    return this.#cut === undefined || this.#cut === (direction === 'there' ? 'answers' : 'requests');
  }

  /** The longest that a message takes one way. */
  get maxLatencyMs(): number {
    return this.#latency.maxMs;
  }

  setLatency(latency: LatencyRange): void {
    this.#latency = latency;
  }

  /**
   * Nothing gets through any more, or only one way. The session notices after `noticeAfterMs` (0 as when the connection
   * is refused, more as when packets vanish), at the latest when its lease ends; from then on it sends nothing either.
   */
  cut(options: { readonly noticeAfterMs?: number; readonly lost?: Cut } = {}): void {
    if (this.#cut !== undefined) return;
    this.#cut = options.lost ?? 'both';
    this.events.onCut(options.noticeAfterMs ?? 0, this.#cut);
  }

  heal(): void {
    if (this.#cut === undefined) return;
    this.#cut = undefined;
    this.events.onHeal();
  }

  /** From now on each commit may end `unknown`. `{ rate: 0 }` ends that. */
  loseAnswers(lost: LostAnswers): void {
    this.#lost = lost;
  }

  /** The next commit ends `unknown`, done or not done. May be called several times, for several commits. */
  loseNextAnswer(applied: boolean): void {
    this.#next.push(applied);
  }

  /** Draws the fate of one commit: undefined when its answer arrives, else whether it is done. */
  drawLoss(): { readonly applied: boolean } | undefined {
    const planned = this.#next.shift();
    if (planned !== undefined) return { applied: planned };
    if (this.#lost.rate === 0 || this.#fraction() >= this.#lost.rate) return undefined;
    return { applied: this.#lost.applied ?? this.#fraction() < 0.5 };
  }

  /** How long the next message takes. Messages of one direction arrive in the order in which they were sent. */
  drawDelayMs(direction: 'there' | 'back'): number {
    const { minMs, maxMs } = this.#latency;
    if (maxMs === 0) return 0;
    const nowMs = this.#clock.monotonicMs();
    const arrivalMs = Math.max(nowMs + minMs + this.#fraction() * (maxMs - minMs), this.#arrivalMs[direction]);
    this.#arrivalMs[direction] = arrivalMs;
    return arrivalMs - nowMs;
  }

  #fraction(): number {
    let sum = 0;
    for (const byte of this.#random.bytes(4)) sum = sum * 256 + byte;
    return sum / 2 ** 32;
  }
}
