/**
 * The session of one owner with the ensemble, over as many connections as it takes: it waits while the link is away,
 * judges its own end on the monotonic clock, and begins anew when it is lost.
 *
 * The record of the owner (`ROOT-owner/NAME`) holds the id and password of its session. Whoever opens a session under
 * that name ends the one before, so its ephemeral entries vanish at once and nobody waits for a time-out.
 * @module
 */
import { z } from 'zod';
import { errorText } from '../../error/error.ts';
import type { Host } from '../../host/host.ts';
import { TrackedSession } from '../session-state.ts';
import { storeError } from '../store.ts';
import { Connection, isFailure, NotSent } from './connection.ts';
import type { Layout } from './layout.ts';
import { type Client, code, type Failure, mode, ownAcl, type ServerAddress } from './library.ts';

export interface SessionOptions {
  readonly servers: readonly ServerAddress[];
  readonly secret: string;
  readonly owner: string;
  /** True for a daemon: there is one session of that owner, and its lease is exact. False for a passing client. */
  readonly exclusive: boolean;
  readonly sessionTimeoutMs: number;
  /** How long a call waits for a link that is away for a moment, as while a new leader is elected. */
  readonly linkWaitMs: number;
}

export interface SessionEvents {
  /** Calls may be made, on a link that is new: changes may have been missed. */
  onLink(): void;
  /** Another process has opened a session of the same owner: this one ends for good. */
  onReplaced(reason: Error): void;
}

type Send<T> = (client: Client, callback: (error: Failure | null, value?: T) => void) => void;

const ownerRecord = z.object({ token: z.string(), session: z.string(), password: z.string() });

/**
 * What of the time-out is not counted for the lease. A server tells the leader only twice a tick which sessions it
 * has heard of, and what it then tells may be one heartbeat old.
 */
const leaseMargin = 1 / 4;
const beatsPerTimeout = 6;
const maxInFlight = 500;
const retryMs = 250;

export class ZooKeeperSession {
  readonly tracked = new TrackedSession(() => this.#leaseUntilMs);
  readonly #host: Pick<Host, 'clock' | 'random' | 'log'>;
  readonly #options: SessionOptions;
  readonly #layout: Layout;
  readonly #events: SessionEvents;
  readonly #token: string;
  /** Wakes those who wait for the link. */
  readonly #waiters = new Set<() => void>();
  #servers: readonly ServerAddress[];
  #connection: Connection | undefined;
  #leaseUntilMs: number;
  /** Calls may be made: the link is up and what belongs to its beginning is done. */
  #ready = false;
  #over: Error | undefined;
  /** The session has not been begun yet. */
  #first = true;
  /** The owner's record was this store's: another token in it is that of a successor. */
  #claimed = false;
  #sessionTimeoutMs: number;
  #words = 0;
  #cancelBeat = (): void => {};
  #cancelLease = (): void => {};
  /** For the metrics page. */
  readonly counts = { connects: 0, brokenLinks: 0, beatMs: 0 };

  constructor(
    host: Pick<Host, 'clock' | 'random' | 'log'>,
    layout: Layout,
    options: SessionOptions,
    events: SessionEvents,
  ) {
    this.#host = host;
    this.#layout = layout;
    this.#options = options;
    this.#events = events;
    this.#servers = options.servers;
    this.#sessionTimeoutMs = options.sessionTimeoutMs;
    this.#leaseUntilMs = host.clock.monotonicMs();
    this.#token = host.random.uuid();
  }

  /** @see Store.freshWord */
  freshWord(): string {
    this.#words += 1;
    return `${this.#token}-${this.#words}`;
  }

  get inFlight(): number {
    return this.#connection?.inFlight ?? 0;
  }

  /** Begins. @throws PvcError STORE_UNAVAILABLE when no server takes the session up within `withinMs` */
  async open(withinMs: number): Promise<void> {
    this.#connect();
    await this.#link(withinMs);
  }

  setServers(servers: readonly ServerAddress[]): void {
    this.#servers = servers;
    this.#connection?.setServers(servers);
  }

  /**
   * One request, as soon as there is a link.
   * @throws Failure as the server says; NotSent and PvcError STORE_UNAVAILABLE: nothing was done; Failure
   * `connectionLoss`: it may have been done
   */
  async call<T>(send: Send<T>): Promise<T> {
    await this.#link(this.#options.linkWaitMs);
    const connection = this.#connection;
    if (connection === undefined) throw new NotSent();
    return connection.call(this.#sessionTimeoutMs, send);
  }

  async close(): Promise<void> {
    if (this.#over === undefined) this.#finish(storeError('STORE_UNAVAILABLE', { reason: 'it has been closed' }));
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close(this.#sessionTimeoutMs / 2);
  }

  #finish(why: Error): void {
    this.#over = why;
    this.#ready = false;
    this.#cancelBeat();
    this.#cancelLease();
    this.#leaseUntilMs = Math.min(this.#leaseUntilMs, this.#host.clock.monotonicMs());
    this.#wake();
    this.tracked.become('lost');
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Resolves as soon as calls may be made. @throws PvcError STORE_UNAVAILABLE */
  async #link(withinMs: number): Promise<void> {
    const untilMs = this.#host.clock.monotonicMs() + withinMs;
    while (!this.#ready) {
      if (this.#over !== undefined) throw this.#over;
      const leftMs = untilMs - this.#host.clock.monotonicMs();
      if (leftMs <= 0) {
        const names = this.#servers.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
        throw storeError('STORE_UNAVAILABLE', {
          reason: `no ZooKeeper server serves this session (${names.join(', ')})`,
        });
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          this.#waiters.delete(done);
          cancel();
          resolve();
        };
        const cancel = this.#host.clock.after(leftMs, done);
        this.#waiters.add(done);
      });
    }
  }

  #connectionOptions() {
    const { secret, sessionTimeoutMs } = this.#options;
    return {
      servers: this.#servers,
      secret,
      sessionTimeoutMs,
      connectTimeoutMs: sessionTimeoutMs / 6,
      silenceMs: sessionTimeoutMs / 2,
      maxInFlight,
    };
  }

  #connect(): void {
    const connection: Connection = new Connection(this.#host, this.#connectionOptions(), {
      onConnected: () => {
        if (this.#connection === connection) void this.#begin(connection);
      },
      onDisconnected: () => {
        if (this.#connection !== connection) return;
        this.#ready = false;
        this.#cancelBeat();
        if (this.tracked.state === 'live' && !this.#first) this.tracked.become('suspended');
      },
      onExpired: () => {
        if (this.#connection === connection) this.#lose('it has expired');
      },
    });
    this.#connection = connection;
    connection.open();
  }

  /** What belongs to the beginning of each link; then calls may be made. */
  async #begin(connection: Connection): Promise<void> {
    const { clock, log } = this.#host;
    const { exclusive } = this.#options;
    try {
      this.counts.connects += 1;
      this.#sessionTimeoutMs = connection.client.connectionManager.sessionTimeout;
      await this.#ensureBase(connection);
      if (exclusive) await this.#claimOwner(connection);
      // A write as well as a sign of life: whatever was committed before it is seen by reads after it.
      await this.#beat(connection);
      if (this.#connection !== connection || !connection.isConnected || this.#over !== undefined) return;
      this.#ready = true;
      this.#beatLater(connection);
      if (this.#first) {
        this.#first = false;
        if (this.tracked.state !== 'live') this.tracked.renew();
      } else if (this.tracked.state === 'suspended') this.tracked.become('live');
      this.#events.onLink();
      this.#wake();
    } catch (error) {
      if (this.#connection !== connection || this.#over !== undefined) return;
      if (error instanceof Replaced) {
        const reason = storeError('STORE_UNAVAILABLE', {
          reason: `another process has opened a session as ${this.#options.owner}`,
        });
        this.#finish(reason);
        connection.abandon();
        this.#events.onReplaced(reason);
        return;
      }
      if (connection.isConnected) {
        log.warn('the session with ZooKeeper could not begin, trying again', { reason: errorText(error) });
        await clock.sleep(retryMs);
        if (this.#connection === connection && connection.isConnected) await this.#begin(connection);
      }
    }
  }

  /** The session has ended, or must be taken to have: another one begins. */
  #lose(why: string): void {
    if (this.#over !== undefined) return;
    const old = this.#connection;
    this.#connection = undefined;
    this.#ready = false;
    this.#first = true;
    this.#cancelBeat();
    this.#cancelLease();
    this.#host.log.warn('the session with ZooKeeper is lost', { reason: why });
    this.counts.brokenLinks += old?.brokenLinks ?? 0;
    // Its ephemeral entries must not outlive it; where this does not reach a server, the next session ends it.
    void old?.close(this.#sessionTimeoutMs / 6);
    this.tracked.become('lost');
    if (this.#over === undefined) this.#connect();
  }

  async #ensureBase(connection: Connection): Promise<void> {
    for (const path of this.#layout.base) await this.#ensure(connection, path);
    if (this.#options.exclusive) await this.#ensure(connection, this.#layout.beat(this.#options.owner));
  }

  async #ensure(connection: Connection, path: string): Promise<void> {
    const found = await connection.call(this.#sessionTimeoutMs, (client, callback: Callback<unknown>) =>
      client.exists(path, (error, stat) => callback(error, stat ?? null)),
    );
    if (found !== null && found !== undefined) return;
    try {
      await connection.call(this.#sessionTimeoutMs, (client, callback: Callback<string>) =>
        client.create(path, Buffer.alloc(0), ownAcl, mode.persistent, callback),
      );
    } catch (error) {
      if (!isFailure(error, code.nodeExists)) throw error;
    }
  }

  /** Makes this session the owner's, and ends the one before. @throws Replaced */
  async #claimOwner(connection: Connection): Promise<void> {
    const path = this.#layout.owner(this.#options.owner);
    const session = connection.client.getSessionId().toString('hex');
    const password = connection.client.getSessionPassword().toString('hex');
    const value = Buffer.from(JSON.stringify({ token: this.#token, session, password }));
    const known = await this.#readOwner(connection, path);
    if (known === undefined) {
      await connection.call(this.#sessionTimeoutMs, (client, callback: Callback<string>) =>
        client.create(path, value, ownAcl, mode.persistent, callback),
      );
      this.#claimed = true;
      return;
    }
    const { record, version } = known;
    if (record?.token === this.#token && record.session === session) return;
    if (record?.token !== this.#token && this.#claimed) throw new Replaced();
    if (record !== undefined) await this.#endOther(record);
    await connection.call(this.#sessionTimeoutMs, (client, callback: Callback<true>) =>
      client.setData(path, value, version, (error) => callback(error, true)),
    );
    this.#claimed = true;
  }

  async #readOwner(connection: Connection, path: string) {
    try {
      return await connection.call(
        this.#sessionTimeoutMs,
        (client, callback: Callback<{ record: z.infer<typeof ownerRecord> | undefined; version: number }>) =>
          client.getData(path, (error, data, stat) => {
            if (error !== null && error !== undefined) callback(error);
            else callback(null, { record: parseOwner(data), version: stat?.version ?? -1 });
          }),
      );
    } catch (error) {
      if (isFailure(error, code.noNode)) return undefined;
      throw error;
    }
  }

  /**
   * Ends another session. Its own client may take it back the moment that this one has taken it up, and the server then drops
   * this link as if it had heard: only a server that knows the session no more proves that it has ended.
   * @throws Error when that does not work in time
   */
  async #endOther(record: z.infer<typeof ownerRecord>): Promise<void> {
    const session = { id: Buffer.from(record.session, 'hex'), password: Buffer.from(record.password, 'hex') };
    const { clock } = this.#host;
    const untilMs = clock.monotonicMs() + this.#sessionTimeoutMs / 2;
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0) throw new Error(`the session before this one (${record.session}) could not be ended`);
      if (await this.#isOver(session, leftMs)) return;
    }
  }

  /** Takes another session up and closes it, once. @returns whether a server said that there is none */
  async #isOver(session: { readonly id: Buffer; readonly password: Buffer }, withinMs: number): Promise<boolean> {
    const over = Promise.withResolvers<boolean>();
    const other = new Connection(
      this.#host,
      { ...this.#connectionOptions(), session },
      {
        onConnected: () => void other.close(withinMs).then(() => over.resolve(false), over.reject),
        onDisconnected: () => {},
        onExpired: () => over.resolve(true),
      },
    );
    const cancel = this.#host.clock.after(withinMs, () => over.resolve(false));
    other.open();
    try {
      return await over.promise;
    } finally {
      cancel();
      other.abandon();
    }
  }

  /** Sends a sign of life; the lease counts from the moment of sending. */
  async #beat(connection: Connection): Promise<void> {
    const { clock } = this.#host;
    const sentMs = clock.monotonicMs();
    await connection.call(this.#sessionTimeoutMs, (client, callback: Callback<true>) => {
      if (this.#options.exclusive)
        client.setData(this.#layout.beat(this.#options.owner), Buffer.alloc(0), -1, (error) => callback(error, true));
      else client.exists(this.#layout.root, (error) => callback(error, true));
    });
    this.counts.beatMs = clock.monotonicMs() - sentMs;
    if (this.#connection !== connection || this.#over !== undefined) return;
    this.#leaseUntilMs = Math.max(this.#leaseUntilMs, sentMs + this.#sessionTimeoutMs * (1 - leaseMargin));
    this.#judgeLease();
  }

  #beatLater(connection: Connection): void {
    this.#cancelBeat();
    this.#cancelBeat = this.#host.clock.after(this.#sessionTimeoutMs / beatsPerTimeout, () => {
      void this.#beat(connection)
        .catch((error: unknown) => this.#host.log.debug('a heartbeat was not answered', { reason: errorText(error) }))
        .finally(() => {
          if (this.#connection === connection && connection.isConnected) this.#beatLater(connection);
        });
    });
  }

  /** The session is lost when its lease is over, whoever may know better: others may have seen it end. */
  #judgeLease(): void {
    this.#cancelLease();
    const leftMs = this.#leaseUntilMs - this.#host.clock.monotonicMs();
    this.#cancelLease = this.#host.clock.after(Math.max(0, leftMs), () => {
      if (this.#host.clock.monotonicMs() < this.#leaseUntilMs) this.#judgeLease();
      else this.#lose('no heartbeat was answered in time');
    });
  }
}

type Callback<T> = (error: Failure | null, value?: T) => void;

/** Somebody else has the owner's name now. */
class Replaced extends Error {}

function parseOwner(data: Buffer | undefined): z.infer<typeof ownerRecord> | undefined {
  try {
    return ownerRecord.parse(JSON.parse(data?.toString('utf8') ?? ''));
  } catch {
    // Not ours, or damaged: there is no session in it that could be ended.
    return undefined;
  }
}
