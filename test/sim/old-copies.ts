/**
 * Old copies: a guest that runs on two nodes at once answers twice for its address on the network of guests, which all
 * nodes reach, even where one of them writes nothing any more. None may last where its node is able to end it.
 * @module
 */
import type { VirtualClock } from '../../core/host/virtual-clock.ts';
import type { GuestTruth } from './guests.ts';

export interface OldCopiesParts {
  readonly clock: VirtualClock;
  readonly violated: (rule: string, text: string) => void;
  /** A copy there cannot be ended by its node. */
  readonly mayRunOn: (node: string) => boolean;
}

/**
 * A node that is cut off ends its guests before others start them. What is left are links that are slow, and a node that
 * is back and finds out what became of its guests.
 */
const boundMs = 3_000;
const lookEveryMs = 250;

export class OldCopies {
  readonly #parts: OldCopiesParts;
  /** For how long nothing has kept the nodes of its copies from ending them, by guest. */
  readonly #sinceMs = new Map<string, number>();

  constructor(parts: OldCopiesParts) {
    this.#parts = parts;
  }

  /** It runs on several nodes: looks on until that is over. */
  look(guest: GuestTruth): void {
    if (this.#sinceMs.has(guest.uuid)) return;
    this.#sinceMs.set(guest.uuid, this.#parts.clock.monotonicMs());
    this.#again(guest);
  }

  #again(guest: GuestTruth): void {
    const { clock, violated, mayRunOn } = this.#parts;
    const nowMs = clock.monotonicMs();
    const nodes = [...guest.running.keys()].sort();
    if (nodes.length < 2) {
      this.#sinceMs.delete(guest.uuid);
      return;
    }
    if (nodes.some(mayRunOn)) this.#sinceMs.set(guest.uuid, nowMs);
    const lastedMs = nowMs - (this.#sinceMs.get(guest.uuid) ?? nowMs);
    if (lastedMs > boundMs) {
      violated('two-answer', `${guest.name} answers on ${nodes.join(' and ')} for more than ${boundMs / 1000} s`);
      this.#sinceMs.delete(guest.uuid);
      return;
    }
    clock.after(lookEveryMs, () => this.#again(guest));
  }
}
