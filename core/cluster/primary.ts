/**
 * The primary: one node holds the ephemeral key `/primary/holder`. Taking it bumps `/primary/term` in the
 * same commit, so that a term never has two holders; and every write that is made as primary checks the term, so that
 * one who stood still while another took over can write nothing any more.
 *
 * The role can be taken away from a machine that reads off before its session has ended (fence/depose-primary.ts). What goes
 * with it, addresses above all, cannot: `/primary/duties` is the ephemeral key of who may still have it, and the next one
 * waits for its end.
 * @module
 */
import { defineErrors, errorText } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { Turns } from '../reconcile/turns.ts';
import type { Entry, Op, Store } from '../store/store.ts';

export const holderKey = '/primary/holder';
export const termKey = '/primary/term';
/** Of the session that has the duties or may have them; made before they are taken, removed after they were dropped. */
export const dutiesKey = '/primary/duties';
/** The last term whose holder has dropped all its duties before it gave the role up. */
const releasedKey = '/primary/released';
const retryMs = 1_000;
/** Of a node that may not have the role: only in case that it may some day. */
const bystanderMs = 30_000;
const headStartPauseMs = 100;
const dutiesPauseMs = 100;
/** Given as the reason of a wait that is over: without one an error with its stack is made each time, every second. */
const noLonger = new Error('there is nothing to wait for any more');

export const primaryError = defineErrors({
  NOT_PRIMARY: {
    message: '{node} is not the primary (any more): {what} was not written.',
    hint: 'The node that is primary does it. See `pvc cluster status`.',
    http: 409,
    exit: 'conflict',
  },
});

export interface PrimaryDuties {
  /**
   * Takes the duties up. `released`: the holder before has dropped all of them; otherwise it was lost, and can have
   * them no longer than its lease. Between its steps it looks whether the role is still its own (`guard`).
   */
  take(term: number, released: boolean): Promise<void>;
  /**
   * Drops them; safe from any state. `lost`: at once, for somebody else may have the role already.
   * @returns whether all of them are dropped
   */
  leave(how: 'planned' | 'lost'): Promise<boolean>;
}

/** What an administrator asked for: the role for one node, or away from one. */
export interface PrimaryWish {
  readonly node?: string | undefined;
  readonly not?: string | undefined;
  /** Wall clock. A wish that is old has been fulfilled or was in vain. */
  readonly askedMs: number;
}

export interface PrimaryOptions {
  /** Whether this node may have the role: coordinators only. */
  readonly eligible: () => boolean;
  readonly wish: () => Promise<PrimaryWish | undefined>;
  readonly alive: (node: string) => Promise<boolean>;
}

export type PrimaryState = 'secondary' | 'takeover' | 'primary' | 'relinquish';

/** How long a wish counts, and how long others leave a free role to the one that is wished for. */
export const wishMs = 30_000;
const headStartMs = 3_000;

const anybody: PrimaryOptions = { eligible: () => true, wish: async () => undefined, alive: async () => true };

export class PrimaryRole {
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #store: Store;
  readonly #node: string;
  readonly #duties: PrimaryDuties;
  readonly #options: PrimaryOptions;
  readonly #listeners = new Set<() => void>();
  #state: PrimaryState = 'secondary';
  #epoch = -1;
  #term = 0;
  /** Version of the term's entry in this node's own term. */
  #termVersion = -1;
  #takenMs = 0;
  /** Since when this node leaves the free role to another. */
  #holdsBackSinceMs: number | undefined;
  /** Given up for good: the daemon stops. */
  #retired = false;
  /** One after the other: the role must not be given up in the midst of being taken. */
  readonly #turns = new Turns();
  #wake = (): void => {};
  /** Something was told since the last look began, which may not have seen it. */
  #poked = false;

  constructor(
    host: Pick<Host, 'clock' | 'log'>,
    store: Store,
    node: string,
    duties: PrimaryDuties,
    options: PrimaryOptions = anybody,
  ) {
    this.#host = host;
    this.#store = store;
    this.#node = node;
    this.#duties = duties;
    this.#options = options;
  }

  get state(): PrimaryState {
    return this.#state;
  }

  /** Number of the term that this node has or had last, and since when (wall clock). */
  get term(): { readonly number: number; readonly sinceMs: number } {
    return { number: this.#term, sinceMs: this.#takenMs };
  }

  /** True only while nobody else may have taken it: judged against the session's lease at each call. */
  isPrimary(): boolean {
    return this.#state === 'primary' && this.#holds();
  }

  /** As `isPrimary`, also while the duties are still being taken. */
  leads(): boolean {
    return (this.#state === 'primary' || this.#state === 'takeover') && this.#holds();
  }

  /**
   * Up to when, on the monotonic clock, the role is surely this node's; in the past when it is not any more. The lease
   * of a session that has come after the one in which the role was taken means nothing.
   */
  get leaseUntilMs(): number {
    return this.#epoch === this.#store.session.epoch ? this.#store.session.leaseUntilMs : -Infinity;
  }

  /**
   * What a commit made as primary must carry: it fails when the term is another's.
   * @throws PvcError NOT_PRIMARY
   */
  guard(what: string): Op[] {
    if (!this.leads()) throw primaryError('NOT_PRIMARY', { node: this.#node, what });
    return [{ op: 'check', key: termKey, version: this.#termVersion }];
  }

  /** Calls `fn` at each change of the state; returns the way to stop that. */
  onChange(fn: () => void): () => void {
    const own = (): void => fn();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Something that matters for the role has changed in the store: looks at once. */
  poke(): void {
    this.#poked = true;
    this.#wake();
  }

  /** Tries for the role until the signal aborts; leaves it when the session is lost. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#host;
    while (!signal.aborted) {
      try {
        this.#poked = false;
        await this.#turns.take(() => this.#look());
      } catch (error) {
        log.warn('taking the primary role failed, trying again', { reason: errorText(error) });
      }
      await this.#pause(signal);
    }
  }

  async #look(): Promise<void> {
    // `relinquish` here is a leave that was not complete: it is safe from any state, so it is tried again.
    if (this.#state === 'relinquish' || (this.#state === 'primary' && !this.isPrimary())) await this.#leave('lost');
    if (this.#state === 'primary') {
      // A store that hangs must not keep a lost primary from dropping its duties.
      const waits = new AbortController();
      const why = await Promise.race([this.#whyGo(), this.#lost(waits.signal)]).finally(() => waits.abort(noLonger));
      if (why !== undefined) {
        const how = why === 'wished' && this.isPrimary() ? 'planned' : 'lost';
        const complete = await this.#leave(how);
        if (how === 'planned') await this.#release(complete);
      }
    }
    if (this.#state === 'secondary' && !this.#retired && this.#options.eligible()) await this.#tryTake();
  }

  /** Resolves once the role is not surely this node's any more, or nobody waits for that. */
  async #lost(signal: AbortSignal): Promise<'lost'> {
    const { clock } = this.#host;
    const { session } = this.#store;
    while (this.#holds() && !signal.aborted) {
      const changed = new AbortController();
      const stop = session.onChange(() => changed.abort(noLonger));
      const leftMs = Math.max(1, this.leaseUntilMs - clock.monotonicMs());
      await clock.sleep(leftMs, AbortSignal.any([signal, changed.signal])).catch(() => undefined);
      stop();
    }
    return 'lost';
  }

  /** Until the next look is due: at once when the session or the store changes, at the latest when the lease ends. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#host;
    const { session } = this.#store;
    if (this.#poked || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#wake = wake;
    const stop = session.onChange(wake);
    const cancel = clock.after(this.#pauseMs(), wake);
    signal.addEventListener('abort', wake);
    await promise;
    signal.removeEventListener('abort', wake);
    cancel();
    stop();
    this.#wake = () => {};
  }

  #pauseMs(): number {
    if (this.#state === 'primary')
      return Math.min(retryMs, Math.max(1, this.#store.session.leaseUntilMs - this.#host.clock.monotonicMs()));
    if (this.#holdsBackSinceMs !== undefined) return headStartPauseMs;
    return this.#state === 'secondary' && !this.#options.eligible() ? bystanderMs : retryMs;
  }

  /** Gives the role up for good: first the duties, then the key, so that the next holder finds nothing in its way. */
  async relinquish(): Promise<void> {
    this.#retired = true;
    await this.#turns.take(async () => {
      if (this.#state === 'secondary') return;
      await this.#release(await this.#leave(this.isPrimary() ? 'planned' : 'lost'));
    });
  }

  #holds(): boolean {
    return this.#host.clock.monotonicMs() < this.leaseUntilMs;
  }

  #become(state: PrimaryState): void {
    if (state === this.#state) return;
    this.#state = state;
    const listeners = [...this.#listeners];
    for (const listener of listeners) listener();
  }

  async #wish(): Promise<PrimaryWish | undefined> {
    const wish = await this.#options.wish();
    return wish !== undefined && this.#host.clock.wallMs() - wish.askedMs < wishMs ? wish : undefined;
  }

  /** Why the role is to be left, if it is: it was taken away, or somebody else is wished for and there to take it. */
  async #whyGo(): Promise<'taken away' | 'wished' | undefined> {
    if ((await this.#store.read(holderKey))?.value !== this.#node) return 'taken away';
    const wish = await this.#wish();
    // What was asked before this term began was about an earlier one.
    if (wish === undefined || wish.askedMs < this.#takenMs) return undefined;
    if (wish.not === this.#node) return 'wished';
    const another = wish.node !== undefined && wish.node !== this.#node && (await this.#options.alive(wish.node));
    return another ? 'wished' : undefined;
  }

  /** Whether a free role is to be left to another for a moment. */
  async #holdsBack(): Promise<boolean> {
    const nowMs = this.#host.clock.monotonicMs();
    if (this.#holdsBackSinceMs !== undefined && nowMs - this.#holdsBackSinceMs >= headStartMs) return false;
    const wish = await this.#wish();
    if (wish === undefined) return false;
    const another =
      wish.not === this.#node ||
      (wish.node !== undefined && wish.node !== this.#node && (await this.#options.alive(wish.node)));
    if (another) this.#holdsBackSinceMs ??= nowMs;
    return another;
  }

  /** @param complete all duties are dropped; else the next holder waits as if this one had been lost */
  async #release(complete: boolean): Promise<void> {
    const [held, released, duties] = await this.#store.readMany([holderKey, releasedKey, dutiesKey]);
    if (held?.value !== this.#node) return;
    const told = { key: releasedKey, value: String(this.#term) };
    const done = await this.#store.commit([
      // The versions of each holder's key begin at 0: only the term tells whether it is still this node's.
      { op: 'check', key: termKey, version: this.#termVersion },
      { op: 'delete', key: holderKey, version: held.version },
      ...this.#withoutDuties(duties),
      ...(!complete
        ? []
        : released === undefined
          ? [{ op: 'create', ...told } as const]
          : [{ op: 'put', ...told, version: released.version } as const]),
    ]);
    if (done.outcome === 'unknown')
      this.#host.log.warn('giving up the primary role: no answer; it ends with the session', {
        reason: errorText(done.cause),
      });
  }

  /** The removal of this node's own key of the duties, if it has it. */
  #withoutDuties(duties: Entry | undefined): Op[] {
    return duties?.value === this.#node ? [{ op: 'delete', key: dutiesKey, version: duties.version }] : [];
  }

  /**
   * Waits until whoever had the duties has dropped them, or its session has ended and with it the lease by which it had them;
   * from then on they are this node's. @throws PvcError NOT_PRIMARY when the role is lost meanwhile
   */
  async #awaitDuties(): Promise<void> {
    for (;;) {
      const guard = this.guard('the duties of the primary');
      const held = await this.#store.read(dutiesKey);
      if (held?.value === this.#node) return;
      if (held === undefined) {
        const made: Op = { op: 'create', key: dutiesKey, value: this.#node, ephemeral: true };
        const done = await this.#store.commit([...guard, made]);
        if (done.outcome === 'ok') return;
        if (done.outcome === 'conflict' && done.key === termKey)
          throw primaryError('NOT_PRIMARY', { node: this.#node, what: 'the duties of the primary' });
      }
      await this.#host.clock.sleep(dutiesPauseMs);
    }
  }

  async #tryTake(): Promise<void> {
    const { session } = this.#store;
    if (session.state !== 'live') return;
    const epoch = session.epoch;
    // The term first: where the store does not read them in one moment, a later holder then has a later term.
    const [term, holder, released, duties] = await this.#store.readMany([termKey, holderKey, releasedKey, dutiesKey]);
    const ours = holder?.value === this.#node;
    if ((ours || duties?.value === this.#node) && session.epoch === epoch) {
      // Ours from a commit whose answer was lost, or of a role that was taken away: without the duties it must not block others.
      await this.#store.commit([
        ...(term === undefined ? [] : [{ op: 'check', key: termKey, version: term.version } as const]),
        ...(ours ? [{ op: 'delete', key: holderKey, version: holder.version } as const] : []),
        ...this.#withoutDuties(duties),
      ]);
      return;
    }
    if (holder !== undefined) {
      this.#holdsBackSinceMs = undefined;
      return;
    }
    if (await this.#holdsBack()) return;
    const next = term === undefined ? 1 : Number(term.value) + 1;
    const taken = await this.#store.commit([
      { op: 'create', key: holderKey, value: this.#node, ephemeral: true },
      term === undefined
        ? { op: 'create', key: termKey, value: '1' }
        : { op: 'put', key: termKey, value: String(next), version: term.version },
      ...(duties === undefined ? [{ op: 'create', key: dutiesKey, value: this.#node, ephemeral: true } as const] : []),
    ]);
    // A lost answer is no role: if it was taken after all, the key is given up at the next look.
    if (taken.outcome !== 'ok') return;
    this.#holdsBackSinceMs = undefined;
    this.#epoch = epoch;
    this.#term = next;
    this.#termVersion = term === undefined ? 0 : term.version + 1;
    this.#takenMs = this.#host.clock.wallMs();
    this.#become('takeover');
    this.#host.log.info('takes the primary role', { term: next });
    try {
      if (duties !== undefined) await this.#awaitDuties();
      await this.#duties.take(next, term === undefined || released?.value === term.value);
      // It may have taken long enough for somebody else to have it by now.
      this.guard('the role');
    } catch (error) {
      // Half a primary helps nobody: what was taken is dropped, and another node may try.
      await this.#release(await this.#leave(this.#holds() ? 'planned' : 'lost'));
      throw error;
    }
    this.#become('primary');
  }

  /** @returns whether all duties are dropped; if not, they are dropped again at the next look */
  async #leave(how: 'planned' | 'lost'): Promise<boolean> {
    this.#become('relinquish');
    this.#host.log.info('leaves the primary role', { how });
    let complete = false;
    try {
      complete = await this.#duties.leave(how);
    } catch (error) {
      this.#host.log.warn('not all duties of the primary could be dropped, trying again', { reason: errorText(error) });
    }
    if (complete) this.#become('secondary');
    return complete;
  }
}
