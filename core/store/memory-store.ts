/**
 * One client of the memory cluster. Without faults every call is done at once; with the faults of its link
 * it shows what a client of a real cluster may meet.
 * @module
 */
import { requireKey, requireOps, stemOf } from './key.ts';
import type { MemoryLink } from './memory-link.ts';
import type { MemoryClient, MemoryServer, MemorySession } from './memory-server.ts';
import { TrackedSession } from './session-state.ts';
import {
  type CommitResult,
  type Dirty,
  type Entry,
  type Key,
  type Op,
  type Store,
  storeError,
  type Topic,
} from './store.ts';
import { Watchers } from './watchers.ts';

/** The request was sent and its answer will never come. */
class AnswerLost extends Error {}
const answerLost = (): AnswerLost => new AnswerLost('the connection broke before the answer came');

const unavailable = (reason: string): Error => storeError('STORE_UNAVAILABLE', { reason });

export class MemoryStore implements Store, MemoryClient {
  readonly backend = 'memory';
  readonly name: string;
  readonly link: MemoryLink;
  readonly session: TrackedSession;
  readonly #cluster: MemoryServer;
  readonly #watchers = new Watchers();
  #at: MemorySession;
  /** Why nothing works any more; undefined while it does. */
  #over: string | undefined;
  /** The end of the lease once the link is gone; undefined while heartbeats are answered. */
  #frozenLeaseMs: number | undefined;
  /** What is on its way, or waits for what never comes: lost when the connection breaks. */
  #onTheWay = new Set<(lost: AnswerLost) => void>();
  #still = false;
  #cancelNotice = (): void => {};
  #cancelLease = (): void => {};

  /** @throws PvcError STORE_UNAVAILABLE */
  constructor(cluster: MemoryServer, name: string, link: MemoryLink) {
    if (!cluster.reachable(link)) throw unavailable('the link to it is down');
    this.#cluster = cluster;
    this.name = name;
    this.link = link;
    this.session = new TrackedSession(
      () => this.#frozenLeaseMs ?? cluster.lastBeatMs(this.#at) + cluster.sessionTimeoutMs - cluster.leaseMarginMs,
    );
    this.#at = cluster.attach(this);
  }

  get still(): boolean {
    return this.#still;
  }

  /**
   * The process stands still: no heartbeat leaves it and none of its timers fires. What it has sent arrives, and the
   * answers wait for it; it is up to the caller not to look at them before `thaw`.
   */
  freeze(): void {
    if (this.#over !== undefined || this.#still) return;
    this.#frozenLeaseMs ??= this.session.leaseUntilMs;
    this.#cancelTimers();
    this.#still = true;
    this.#cluster.silence(this.#at);
  }

  /** It goes on where it stood, with a lease that may be over and a session that may have ended. */
  thaw(): void {
    if (this.#over !== undefined || !this.#still) return;
    this.#still = false;
    const { clock } = this.#cluster;
    if (!this.#cluster.reachable(this.link)) {
      if (this.session.state === 'live') this.onUnreachable(0);
      else this.#cancelLease = clock.after(this.#leaseLeftMs(), () => this.session.become('lost'));
      return;
    }
    // Its own timers come first, then the answer to the first heartbeat.
    this.#cancelLease = clock.after(this.#leaseLeftMs(), () => this.session.become('lost'));
    this.#cancelNotice = clock.after(this.link.drawDelayMs('there'), () => {
      if (!this.#cluster.reachable(this.link)) return;
      const alive = this.#cluster.hear(this.#at);
      this.#cancelNotice = clock.after(this.link.drawDelayMs('back'), () => {
        if (!this.#cluster.reachable(this.link)) return;
        if (alive && this.session.state === 'live') {
          this.#cancelTimers();
          this.#frozenLeaseMs = undefined;
        } else this.onReachable();
      });
    });
  }

  /** The process is gone: what it has sent arrives, and its session ends when nothing has been heard of it for long enough. */
  abandon(): void {
    if (this.#over !== undefined) return;
    this.freeze();
    this.#over = 'its process has ended';
    this.#cluster.detach(this);
  }

  #leaseLeftMs(): number {
    return Math.max(0, this.session.leaseUntilMs - this.#cluster.clock.monotonicMs());
  }

  read(key: Key): Promise<Entry | undefined> {
    return this.#ask(
      () => requireKey(key),
      () => this.#cluster.tree.get(key),
    );
  }

  readMany(keys: readonly Key[]): Promise<(Entry | undefined)[]> {
    return this.#ask(
      () => keys.forEach(requireKey),
      () => keys.map((key) => this.#cluster.tree.get(key)),
    );
  }

  children(prefix: Key): Promise<string[]> {
    return this.#ask(
      () => void stemOf(prefix),
      () => this.#cluster.tree.children(prefix),
    );
  }

  list(prefix: Key): Promise<Entry[]> {
    return this.#ask(
      () => void stemOf(prefix),
      () => this.#cluster.tree.list(prefix),
    );
  }

  async commit(ops: readonly Op[], topics: readonly Topic[] = []): Promise<CommitResult> {
    requireOps(ops);
    if (ops.length === 0)
      return this.#ask(
        () => undefined,
        () => ({ outcome: 'ok' }),
      );
    this.#requireLive();
    const loss = this.link.drawLoss();
    try {
      const result = await this.#send(() =>
        loss?.applied === false ? undefined : this.#cluster.commit(this.#at, ops, topics),
      );
      return loss === undefined && result !== undefined
        ? result
        : { outcome: 'unknown', cause: new AnswerLost('the answer was lost') };
    } catch (error) {
      if (error instanceof AnswerLost) return { outcome: 'unknown', cause: error };
      throw error;
    }
  }

  watch(topics: readonly Topic[], signal: AbortSignal): AsyncIterable<Dirty> {
    return this.#watchers.watch(topics, signal, () => {
      if (this.#over !== undefined) throw unavailable(this.#over);
    });
  }

  freshWord(): string {
    return this.#cluster.freshWord();
  }

  async close(): Promise<void> {
    if (this.#over !== undefined) return;
    this.#over = 'it has been closed';
    this.#cluster.detach(this);
    this.#cluster.end(this.#at, false);
    this.#cancelTimers();
    this.#break();
    this.#frozenLeaseMs = this.#cluster.clock.monotonicMs();
    this.#watchers.end();
    this.session.become('lost');
  }

  onChange(keys: readonly Key[], topics: readonly Topic[]): void {
    const delayMs = this.link.drawDelayMs('back');
    // What is missed is made up for by the resync after the link has healed.
    if (!this.#cluster.reachable(this.link, 'back') || !this.#watchers.heed(topics)) return;
    if (delayMs === 0) return this.#watchers.notify(keys, topics);
    const connection = this.#onTheWay;
    this.#cluster.clock.after(delayMs, () => {
      if (connection === this.#onTheWay && this.#cluster.reachable(this.link, 'back'))
        this.#watchers.notify(keys, topics);
    });
  }

  onUnreachable(noticeAfterMs: number): number {
    if (this.#over !== undefined || this.session.state !== 'live') return 0;
    this.#cancelTimers();
    const leftMs = this.#leaseLeftMs();
    this.#frozenLeaseMs = this.session.leaseUntilMs;
    const notice = (): void => {
      this.#break();
      this.session.become('suspended');
    };
    if (noticeAfterMs === 0) notice();
    else this.#cancelNotice = this.#cluster.clock.after(Math.min(noticeAfterMs, leftMs), notice);
    this.#cancelLease = this.#cluster.clock.after(leftMs, () => this.session.become('lost'));
    return Math.min(noticeAfterMs, leftMs);
  }

  onReachable(): void {
    if (this.#over !== undefined) return;
    this.#cancelTimers();
    this.#break(); // whatever was sent into the cut is lost
    if (this.session.state === 'lost' || !this.#at.alive) {
      this.session.become('lost');
      this.#begin();
      return;
    }
    this.#frozenLeaseMs = undefined;
    this.#watchers.resync();
    this.session.become('live');
  }

  onEnded(replaced: boolean): void {
    if (this.#over !== undefined) return;
    if (replaced) {
      this.#over = `another session has been opened as ${this.name}`;
      this.#cancelTimers();
      this.#break();
      this.#frozenLeaseMs = this.#cluster.clock.monotonicMs();
      this.session.become('lost');
      this.#watchers.end(unavailable(this.#over));
      return;
    }
    // Behind a cut the news do not arrive: the session learns of its end when the link heals.
    if (this.#still) return;
    if (!this.#cluster.reachable(this.link) || this.session.state === 'lost') return;
    this.#break();
    this.session.become('lost');
    this.#begin();
  }

  #begin(): void {
    this.#frozenLeaseMs = undefined;
    this.#at = this.#cluster.begin(this);
    this.#watchers.resync();
    this.session.renew();
  }

  #requireLive(): void {
    if (this.#over !== undefined) throw unavailable(this.#over);
    if (this.session.state !== 'live') throw unavailable('the link to it is down');
  }

  /** For calls that change nothing: a lost answer is the same as no answer. @param check throws when the question is none */
  async #ask<T>(check: () => void, atCluster: () => T): Promise<T> {
    check();
    this.#requireLive();
    try {
      return await this.#send(atCluster);
    } catch (error) {
      throw error instanceof AnswerLost ? unavailable(error.message) : error;
    }
  }

  /**
   * Takes a request to the cluster and the answer back; into a cut it does not end until the connection breaks.
   * @throws AnswerLost
   */
  #send<T>(atCluster: () => T): Promise<T> {
    const connection = this.#onTheWay;
    const session = this.#at;
    return new Promise((resolve, reject) => {
      let cancel = (): void => {};
      const lose = (lost: AnswerLost): void => {
        cancel();
        reject(lost);
      };
      connection.add(lose);
      const over = (end: () => void): void => {
        connection.delete(lose);
        end();
      };
      const answered = (): void => {
        if (!session.alive) return over(() => reject(unavailable('the session has ended')));
        try {
          const answer = atCluster();
          cancel = this.#travel('back', () => over(() => resolve(answer)));
        } catch (error) {
          over(() => reject(error instanceof Error ? error : new Error(String(error), { cause: error })));
        }
      };
      cancel = this.#travel('there', answered);
    });
  }

  /** One way over the link, which may be cut by the time of the arrival. @returns what ends it on its way */
  #travel(direction: 'there' | 'back', arrive: () => void): () => void {
    const delayMs = this.link.drawDelayMs(direction);
    const come = (): void => {
      if (this.#cluster.reachable(this.link, direction)) arrive();
    };
    if (delayMs > 0) return this.#cluster.clock.after(delayMs, come);
    come();
    return () => {};
  }

  #break(): void {
    const lost = this.#onTheWay;
    this.#onTheWay = new Set();
    for (const lose of lost) lose(answerLost());
  }

  #cancelTimers(): void {
    this.#cancelNotice();
    this.#cancelLease();
  }
}
