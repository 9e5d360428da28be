/** The state of a session and those who want to hear of its changes. Shared by all back ends. @module */
import type { Session, SessionState } from './store.ts';

export class TrackedSession implements Session {
  #state: SessionState = 'live';
  #epoch = 1;
  readonly #lease: () => number;
  readonly #listeners = new Set<(state: SessionState) => void>();

  /** `lease` gives the end of the lease, on the monotonic clock, at the moment of the call. */
  constructor(lease: () => number) {
    this.#lease = lease;
  }

  get state(): SessionState {
    return this.#state;
  }

  get epoch(): number {
    return this.#epoch;
  }

  get leaseUntilMs(): number {
    return this.#lease();
  }

  onChange(fn: (state: SessionState) => void): () => void {
    const own = (state: SessionState): void => fn(state);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Changes the state and tells everyone; nothing when it is the same. */
  become(state: SessionState): void {
    if (state === this.#state) return;
    this.#state = state;
    const listeners = [...this.#listeners]; // one that is added meanwhile hears of the next change
    for (const listener of listeners) listener(state);
  }

  /** A new session in place of the lost one. */
  renew(): void {
    this.#epoch += 1;
    this.become('live');
  }
}
