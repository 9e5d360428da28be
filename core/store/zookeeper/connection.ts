/**
 * One client object of the library and its link to a server, with a deadline for every call and an eye on the link:
 * the library itself notices neither a link that swallows everything nor a server that accepts and never answers.
 * @module
 */
import type { Host } from '../../host/host.ts';
import { type Client, type ClientOptions, code, createClient, type Failure, failure, setServers } from './library.ts';

/** States of the library's connection manager that matter here (its STATES). */
const connecting = 1;
const connected = 2;

export interface ConnectionEvents {
  /** A server has taken the session up; calls may be made. */
  onConnected(): void;
  onDisconnected(): void;
  /** The session has ended, as a server says. Nothing follows. */
  onExpired(): void;
}

export interface ConnectionOptions extends ClientOptions {
  /** A server that does not answer to a new connection for so long is left for the next one. */
  readonly connectTimeoutMs: number;
  /** A link on which nothing comes for so long while an answer is due is broken. */
  readonly silenceMs: number;
  /** Calls at the same time; more wait. The library copies its buffer at each answer. */
  readonly maxInFlight: number;
}

type Callback<T> = (error: Failure | null, value?: T) => void;

const looksPerSilence = 8;

export class Connection {
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #events: ConnectionEvents;
  readonly #waiting: (() => void)[] = [];
  /** Ends a call before its answer; by call. */
  readonly #calls = new Set<(why: Failure) => void>();
  #closed = false;
  #cancelLook = (): void => {};
  #bytesRead = 0;
  #heardMs: number;
  #socketSinceMs: number;
  #socket: unknown;
  /** Links that were given up because nothing came. */
  brokenLinks = 0;

  constructor(host: Pick<Host, 'clock' | 'log'>, options: ConnectionOptions, events: ConnectionEvents) {
    this.#host = host;
    this.#options = options;
    this.#events = events;
    this.#heardMs = host.clock.monotonicMs();
    this.#socketSinceMs = this.#heardMs;
    this.#client = createClient(options);
    const manager = this.#client.connectionManager;
    const connect = manager.connect.bind(manager);
    manager.connect = () => {
      // Half an answer of the old link would be taken for the beginning of the new one's.
      manager.pendingBuffer = null;
      connect();
    };
    this.#client.on('connected', () => {
      if (!this.#closed) events.onConnected();
    });
    this.#client.on('disconnected', () => this.#onDisconnected());
    this.#client.on('expired', () => this.#end(() => events.onExpired()));
    this.#client.on('authenticationFailed', () => this.#end(() => events.onExpired()));
  }

  get client(): Client {
    return this.#client;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  get isConnected(): boolean {
    return !this.#closed && this.#client.connectionManager.state === connected;
  }

  open(): void {
    this.#client.connect();
    this.#look();
  }

  setServers(servers: ConnectionOptions['servers']): void {
    setServers(this.#client, servers);
  }

  /**
   * One request of the library as a promise.
   * @throws Failure of the server; `connectionLoss` when the link broke or the deadline passed: it may have been done
   */
  async call<T>(timeoutMs: number, send: (client: Client, callback: Callback<T>) => void): Promise<T> {
    while (this.#calls.size >= this.#options.maxInFlight && this.isConnected)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    // What the library would queue now it would send at some later time, when nobody reckons with it any more.
    if (!this.isConnected) throw new NotSent();
    return new Promise<T>((resolve, reject) => {
      const done = (): void => {
        this.#calls.delete(fail);
        cancel();
        this.#waiting.shift()?.();
      };
      const fail = (why: Failure): void => {
        done();
        reject(why);
      };
      const cancel = this.#host.clock.after(timeoutMs, () => fail(failure(code.connectionLoss)));
      if (this.#calls.size === 0) this.#heardMs = this.#host.clock.monotonicMs();
      this.#calls.add(fail);
      send(this.#client, (error, value) => {
        if (!this.#calls.has(fail)) return;
        if (error !== null && error !== undefined) fail(error);
        else {
          done();
          resolve(value as T);
        }
      });
    });
  }

  /** Ends the session at the server if that can be reached, and this connection in any case. Resolves when it is done or `timeoutMs` have passed. */
  async close(timeoutMs: number): Promise<boolean> {
    if (this.#closed) return false;
    const told = this.isConnected;
    this.#end(() => {});
    if (!told) {
      this.#destroy();
      return false;
    }
    const { socket } = this.#client.connectionManager;
    const ended = new Promise<boolean>((resolve) => {
      socket?.once('close', () => resolve(true));
      this.#host.clock.after(timeoutMs, () => resolve(false));
    });
    this.#client.close();
    const done = await ended;
    if (!done) this.#destroy();
    return done;
  }

  /** Drops the link without a word: the session goes on at the server until its time is over. */
  abandon(): void {
    this.#end(() => {});
    this.#destroy();
  }

  #destroy(): void {
    const manager = this.#client.connectionManager;
    // Or it would connect again.
    manager.connect = () => {};
    manager.socket?.destroy();
    if (manager.connectTimeoutHandler !== null) clearTimeout(manager.connectTimeoutHandler);
  }

  #end(tell: () => void): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelLook();
    this.#fail();
    tell();
  }

  #onDisconnected(): void {
    // What is queued and not sent must not be sent to the next server.
    const { packetQueue } = this.#client.connectionManager;
    while (packetQueue.shift() !== undefined);
    this.#fail();
    if (!this.#closed) this.#events.onDisconnected();
  }

  #fail(): void {
    for (const fail of [...this.#calls]) fail(failure(code.connectionLoss));
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Looks again and again whether the link is alive, and breaks it when it is not: the library then takes the next server. */
  #look(): void {
    const { silenceMs, connectTimeoutMs } = this.#options;
    this.#cancelLook = this.#host.clock.after(Math.min(silenceMs, connectTimeoutMs) / looksPerSilence, () => {
      const manager = this.#client.connectionManager;
      const nowMs = this.#host.clock.monotonicMs();
      const { socket } = manager;
      if (socket !== this.#socket) {
        this.#socket = socket;
        this.#socketSinceMs = nowMs;
        this.#bytesRead = 0;
        this.#heardMs = nowMs;
      }
      if (socket !== undefined && socket.bytesRead !== this.#bytesRead) {
        this.#bytesRead = socket.bytesRead;
        this.#heardMs = nowMs;
      }
      const hung = manager.state === connecting && nowMs - this.#socketSinceMs >= connectTimeoutMs;
      const silent = manager.state === connected && this.#calls.size > 0 && nowMs - this.#heardMs >= silenceMs;
      if ((hung || silent) && socket !== undefined && !socket.destroyed) {
        this.brokenLinks += 1;
        this.#host.log.warn('ZooKeeper does not answer, trying the next server', {
          server: `${socket.remoteAddress ?? 'unknown'}`,
          forMs: Math.round(nowMs - (hung ? this.#socketSinceMs : this.#heardMs)),
        });
        // Its own timer would hit the next link.
        if (manager.connectTimeoutHandler !== null) clearTimeout(manager.connectTimeoutHandler);
        socket.destroy();
      }
      this.#look();
    });
  }
}

/** The link was not there: nothing was sent, so nothing was done. */
export class NotSent extends Error {
  constructor() {
    super('there is no connection to ZooKeeper');
  }
}

export const isFailure = (error: unknown, ...codes: readonly number[]): error is Failure =>
  error instanceof Error && 'code' in error && codes.includes(error.code as number);
