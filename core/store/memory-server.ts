/**
 * The shared state behind all memory stores of one test or simulation: what a ZooKeeper ensemble is to its
 * clients. It ends a session when it has heard nothing for the time-out.
 * @module
 */
import type { Clock } from '../host/clock.ts';
import type { Random } from '../host/host.ts';
import { seededRandom } from '../host/seeded-random.ts';
import { changes } from './key.ts';
import { MemoryLink } from './memory-link.ts';
import { MemoryTree } from './memory-tree.ts';
import type { CommitResult, Key, Op, Topic } from './store.ts';

export interface MemoryClusterOptions {
  readonly clock: Clock;
  /** Where latency and lost answers are drawn from. Default: a fixed seed. */
  readonly random?: Random;
  /** Default 6000. */
  readonly sessionTimeoutMs?: number;
  /** By how much a lease is over before its session can end, as on ZooKeeper. Default 0. */
  readonly leaseMarginMs?: number;
  /** How often a session is heard of. Default: a third of the time-out. */
  readonly heartbeatMs?: number;
  /** Looks on, for a simulator. */
  readonly observer?: MemoryObserver;
}

export interface MemoryObserver {
  /** Stands around each commit that arrives, from the session of that name. */
  commit(name: string, ops: readonly Op[], commit: () => CommitResult): CommitResult;
  /** A session has ended, and with it these entries. */
  ended(name: string, keys: readonly Key[]): void;
}

/** The side of a session that the cluster talks to. */
export interface MemoryClient {
  readonly name: string;
  readonly link: MemoryLink;
  /** Its process stands still or is gone: nothing comes from it, and it hears nothing. */
  readonly still: boolean;
  /** Keys have changed. */
  onChange(keys: readonly Key[], topics: readonly Topic[]): void;
  /** Returns after how many milliseconds it notices. */
  onUnreachable(noticeAfterMs: number): number;
  onReachable(): void;
  /** The session has ended here: by time, or because the same name has opened another one. */
  onEnded(replaced: boolean): void;
}

/** A session as the cluster knows it. */
export interface MemorySession {
  readonly id: string;
  readonly client: MemoryClient;
  readonly sinceMs: number;
  /** The latest heartbeat that is known to have been answered. */
  beatMs: number;
  alive: boolean;
  cancelExpiry: () => void;
}

export class MemoryServer {
  readonly clock: Clock;
  readonly sessionTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly leaseMarginMs: number;
  readonly #random: Random;
  readonly #observer: MemoryObserver | undefined;
  readonly #tree = new MemoryTree();
  readonly #links = new Map<string, MemoryLink>();
  readonly #sessions = new Map<string, MemorySession>();
  readonly #clients = new Map<string, MemoryClient>();
  #sessionCount = 0;
  #words = 0;
  #down = false;

  constructor(options: MemoryClusterOptions) {
    this.clock = options.clock;
    this.sessionTimeoutMs = options.sessionTimeoutMs ?? 6000;
    this.leaseMarginMs = options.leaseMarginMs ?? 0;
    this.heartbeatMs = options.heartbeatMs ?? this.sessionTimeoutMs / 3;
    this.#random = options.random ?? seededRandom(1);
    this.#observer = options.observer;
  }

  /** The link of that name, to put faults on it. */
  link(name: string): MemoryLink {
    let link = this.#links.get(name);
    if (link === undefined) {
      link = new MemoryLink(this.clock, this.#random);
      this.#links.set(name, link);
    }
    return link;
  }

  /** Ends the session of that name as if it had not been heard of, whatever its link. */
  expire(name: string): void {
    const session = this.#sessions.get(name);
    if (session !== undefined) this.end(session, false);
  }

  /** The whole cluster stops answering, or answers again. Sessions do not end while it is down. */
  setDown(down: boolean): void {
    if (down === this.#down) return;
    this.#down = down;
    for (const client of [...this.#clients.values()].filter((each) => each.link.up && !each.still)) {
      if (down) client.onUnreachable(0);
      else client.onReachable();
    }
    for (const session of this.#sessions.values()) {
      session.cancelExpiry();
      if (!down && (session.client.still || !session.client.link.up)) this.#expireAfter(session, this.sessionTimeoutMs);
    }
  }

  /** Every entry, sorted: the truth, for the checks of a simulator. */
  dump(): ReturnType<MemoryTree['list']> {
    return this.#tree.list('/');
  }

  // What follows is for MemoryStore.

  /** Whether messages arrive: both ways unless one is named. */
  reachable(link: MemoryLink, direction?: 'there' | 'back'): boolean {
    return !this.#down && (direction === undefined ? link.up : link.carries(direction));
  }

  attach(client: MemoryClient): MemorySession {
    this.#clients.set(client.name, client);
    client.link.events = {
      onCut: (noticeAfterMs, cut) => {
        if (this.#down || client.still) return;
        const session = this.#sessions.get(client.name);
        // The client's timers are set first: should both fall on one moment, it knows before others do.
        const noticedMs = client.onUnreachable(noticeAfterMs);
        if (session === undefined) return;
        // It is heard until it notices that it gets no answers.
        if (cut === 'answers') this.#expireAfter(session, noticedMs + this.sessionTimeoutMs);
        else this.#expireAfter(session, this.#silenceLeftMs(session));
      },
      onHeal: () => {
        if (this.#down || client.still) return;
        this.#sessions.get(client.name)?.cancelExpiry();
        client.onReachable();
      },
    };
    return this.begin(client);
  }

  /** Begins a session, in place of the one of that name if there is one. */
  begin(client: MemoryClient): MemorySession {
    const older = this.#sessions.get(client.name);
    if (older !== undefined) this.end(older, older.client !== client);
    this.#sessionCount += 1;
    const id = `session-${this.#sessionCount}`;
    const session = { id, client, sinceMs: this.clock.monotonicMs(), beatMs: 0, alive: true, cancelExpiry: () => {} };
    this.#sessions.set(client.name, session);
    return session;
  }

  /** Ends a session and removes what is ephemeral of it. */
  end(session: MemorySession, replaced: boolean): void {
    if (!session.alive) return;
    session.alive = false;
    session.cancelExpiry();
    if (this.#sessions.get(session.client.name) === session) this.#sessions.delete(session.client.name);
    const gone = this.#tree.removeSession(session.id);
    this.#observer?.ended(session.client.name, gone);
    this.#changed(gone, []);
    session.client.onEnded(replaced);
  }

  /** Nothing is heard of a session from now on. */
  silence(session: MemorySession): void {
    if (session.alive && !this.#down && session.client.link.carries('there'))
      this.#expireAfter(session, this.#silenceLeftMs(session));
  }

  /** Something is heard of a session again. @returns whether it still exists */
  hear(session: MemorySession): boolean {
    if (session.alive) session.cancelExpiry();
    return session.alive;
  }

  detach(client: MemoryClient): void {
    if (this.#clients.get(client.name) !== client) return;
    this.#clients.delete(client.name);
    client.link.events = { onCut: () => {}, onHeal: () => {} };
  }

  /** @see Store.freshWord */
  freshWord(): string {
    this.#words += 1;
    return `w${this.#words}`;
  }

  /** When the last heartbeat that has been answered was sent, if the link works until now. */
  lastBeatMs(session: MemorySession): number {
    const sinceBeginMs = this.clock.monotonicMs() - session.sinceMs - 2 * session.client.link.maxLatencyMs;
    const beatMs = session.sinceMs + Math.max(0, Math.floor(sinceBeginMs / this.heartbeatMs)) * this.heartbeatMs;
    // A link that becomes slower takes back no answer: what a client has counted on stays true.
    session.beatMs = Math.max(session.beatMs, beatMs);
    return session.beatMs;
  }

  get tree(): Pick<MemoryTree, 'get' | 'children' | 'list'> {
    return this.#tree;
  }

  commit(session: MemorySession, ops: readonly Op[], topics: readonly Topic[]): CommitResult {
    const commit = (): CommitResult => this.#tree.commit(ops, session.id);
    const result = this.#observer === undefined ? commit() : this.#observer.commit(session.client.name, ops, commit);
    if (result.outcome === 'ok')
      this.#changed(
        ops.filter(changes).map((op) => op.key),
        topics,
      );
    return result;
  }

  #changed(keys: readonly Key[], topics: readonly Topic[]): void {
    if (keys.length === 0) return;
    for (const client of this.#clients.values()) client.onChange(keys, topics);
  }

  /** The cluster counts from the arrival of the last heartbeat, so never less than the session's own lease. */
  #silenceLeftMs(session: MemorySession): number {
    const arrivedMs = this.lastBeatMs(session) + session.client.link.maxLatencyMs;
    return arrivedMs + this.sessionTimeoutMs - this.clock.monotonicMs();
  }

  #expireAfter(session: MemorySession, ms: number): void {
    session.cancelExpiry();
    session.cancelExpiry = this.clock.after(ms, () => this.end(session, false));
  }
}
