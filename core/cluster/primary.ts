/**
 * The primary: one node holds the ephemeral key `/primary/holder`. Taking it bumps `/primary/term` in the
 * same commit, so that a term never has two holders.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import type { Store } from '../store/store.ts';

const holderKey = '/primary/holder';
const termKey = '/primary/term';
const retryMs = 1_000;

export interface PrimaryDuties {
  take(term: number): Promise<void>;
  leave(): Promise<void>;
}

export class PrimaryRole {
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #store: Store;
  readonly #node: string;
  readonly #duties: PrimaryDuties;
  #state: 'secondary' | 'takeover' | 'primary' | 'relinquish' = 'secondary';
  #epoch = -1;
  /** Given up for good: the daemon stops. */
  #retired = false;

  constructor(host: Pick<Host, 'clock' | 'log'>, store: Store, node: string, duties: PrimaryDuties) {
    this.#host = host;
    this.#store = store;
    this.#node = node;
    this.#duties = duties;
  }

  get state(): 'secondary' | 'takeover' | 'primary' | 'relinquish' {
    return this.#state;
  }

  /** True only while nobody else may have taken it: judged against the session's lease at each call. */
  isPrimary(): boolean {
    return (
      this.#state === 'primary' &&
      this.#epoch === this.#store.session.epoch &&
      this.#host.clock.monotonicMs() < this.#store.session.leaseUntilMs
    );
  }

  /** Tries for the role until the signal aborts; leaves it when the session is lost. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#host;
    while (!signal.aborted) {
      try {
        // `relinquish` here is a leave that failed: it is safe from any state, so it is tried again.
        if (this.#state === 'relinquish' || (this.#state === 'primary' && !this.isPrimary())) await this.#leave();
        if (this.#state === 'secondary' && !this.#retired) await this.#tryTake();
      } catch (error) {
        log.warn('taking the primary role failed, trying again', { reason: errorText(error) });
      }
      await this.#pause(signal);
    }
  }

  /** Until the next look is due: at once when the session changes, at the latest when the lease ends. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#host;
    const { session } = this.#store;
    const leaseMs = this.#state === 'primary' ? session.leaseUntilMs - clock.monotonicMs() : retryMs;
    const changed = new AbortController();
    const stop = session.onChange(() => changed.abort());
    try {
      await clock.sleep(Math.min(retryMs, Math.max(1, leaseMs)), AbortSignal.any([signal, changed.signal]));
    } catch {
      // Woken early, which is what the signals are for.
    } finally {
      stop();
    }
  }

  /** Gives the role up for good: first the duties, then the key, so that the next holder finds nothing in its way. */
  async relinquish(): Promise<void> {
    this.#retired = true;
    if (this.#state !== 'primary') return;
    await this.#leave();
    await this.#release();
  }

  async #release(): Promise<void> {
    const held = await this.#store.read(holderKey);
    if (held?.value !== this.#node) return;
    const released = await this.#store.commit([{ op: 'delete', key: holderKey, version: held.version }]);
    if (released.outcome === 'unknown')
      this.#host.log.warn('giving up the primary role: no answer; it ends with the session', {
        reason: errorText(released.cause),
      });
  }

  async #tryTake(): Promise<void> {
    const { session } = this.#store;
    if (session.state !== 'live') return;
    const epoch = session.epoch;
    const [holder, term] = await this.#store.readMany([holderKey, termKey]);
    if (holder?.value === this.#node) {
      // Ours from a commit whose answer was lost: without the duties it must not block the others.
      await this.#store.commit([{ op: 'delete', key: holderKey, version: holder.version }]);
      return;
    }
    if (holder !== undefined) return;
    const next = term === undefined ? 1 : Number(term.value) + 1;
    const taken = await this.#store.commit([
      { op: 'create', key: holderKey, value: this.#node, ephemeral: true },
      term === undefined
        ? { op: 'create', key: termKey, value: '1' }
        : { op: 'put', key: termKey, value: String(next), version: term.version },
    ]);
    // A lost answer is no role: if it was taken after all, the key is given up at the next look.
    if (taken.outcome !== 'ok') return;
    this.#epoch = epoch;
    this.#state = 'takeover';
    this.#host.log.info('takes the primary role', { term: next });
    try {
      await this.#duties.take(next);
    } catch (error) {
      // Half a primary helps nobody: what was taken is dropped, and another node may try.
      await this.#leave();
      await this.#release();
      throw error;
    }
    this.#state = 'primary';
  }

  async #leave(): Promise<void> {
    this.#state = 'relinquish';
    this.#host.log.info('leaves the primary role');
    await this.#duties.leave();
    this.#state = 'secondary';
  }
}
