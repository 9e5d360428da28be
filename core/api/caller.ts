/** Through which door a request came, and from where: what listeners tell the app. @module */
import type { Duplex } from 'node:stream';
import type { Actor } from '../operation/operation.ts';

export interface Caller {
  /** The unix socket, whose file rights are the check, or HTTPS, which wants a token. */
  readonly door: 'socket' | 'https';
  /** Source address; empty on the socket. */
  readonly remote: string;
  /** The Authorization header as it came. */
  readonly authorization: string | undefined;
  /** The node whose certificate, signed by the cluster's authority, the caller has shown. */
  readonly peer: string | undefined;
  /** For whom a node asks: the `Pvc-Actor` header as it came. */
  readonly onBehalf: string | undefined;
}

/** Tells who asks. @throws PvcError TOKEN_NEEDED, TOKEN_REFUSED, TOO_MANY_FAILURES, STORE_UNAVAILABLE */
export type Authenticate = (caller: Caller) => Promise<Actor>;

/** What a listener hands to the app with each request (Hono's bindings). */
export interface Bindings {
  readonly door: Caller['door'];
  readonly remote: string;
  /** As in `Caller`. */
  readonly peer?: string | undefined;
  /** Aborts when the listener closes: feeds end, channels say goodbye. */
  readonly closing?: AbortSignal;
  /** Cuts the connection: the end for a reader that takes nothing. */
  readonly cut?: () => void;
  /** Tells a caller that has asked first (`Expect: 100-continue`) to send the body. */
  readonly proceed?: () => void;
  /**
   * The body as it comes, for operations that take a stream. It is not copied, it has no limit of size or time, and a
   * caller that has asked first is told to send it when it is read for the first time.
   */
  readonly stream?: () => AsyncIterable<Uint8Array>;
  /** Present on a WebSocket handshake: takes the stream that a channel opened. */
  readonly accept?: (stream: Duplex) => void;
}

/** Bindings of a request that came without any: the stricter door. */
export const strictBindings: Bindings = { door: 'https', remote: 'unknown' };
