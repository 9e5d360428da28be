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
/** The same for one whose nodes could not end it until then, and find out now how things are. */
const lateBoundMs = 12_000;
const lookEveryMs = 250;

export class OldCopies {
  readonly #parts: OldCopiesParts;
  /** Since when nothing keeps the nodes of its copies from ending them, by guest; and how long they have for it. */
  readonly #since = new Map<string, { readonly ms: number; readonly boundMs: number }>();

  constructor(parts: OldCopiesParts) {
    this.#parts = parts;
  }

  /** It runs on several nodes: looks on until that is over. */
  look(guest: GuestTruth): void {
    if (this.#since.has(guest.uuid)) return;
    this.#since.set(guest.uuid, { ms: this.#parts.clock.monotonicMs(), boundMs });
    this.#again(guest);
  }

  #again(guest: GuestTruth): void {
    const { clock, violated, mayRunOn } = this.#parts;
    const nowMs = clock.monotonicMs();
    const nodes = [...guest.running.keys()].sort();
    if (nodes.length < 2) {
      this.#since.delete(guest.uuid);
      return;
    }
    if (nodes.some(mayRunOn)) this.#since.set(guest.uuid, { ms: nowMs, boundMs: lateBoundMs });
    const since = this.#since.get(guest.uuid);
    if (since !== undefined && nowMs - since.ms > since.boundMs) {
      violated('two-answer', `${guest.name} answers on ${nodes.join(' and ')} for more than ${since.boundMs / 1000} s`);
      this.#since.delete(guest.uuid);
      return;
    }
    clock.after(lookEveryMs, () => this.#again(guest));
  }
}
