/** A channel: a WebSocket (RFC 6455) with binary frames as a stream of bytes, each side no faster than the other takes. @module */
import type { Agent, IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import type { ClientOptions, RawData, WebSocket } from 'ws';
import { errorCatalogue, PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { clientError } from './client-errors.ts';
import { dialSignal } from './connection.ts';
import { textOf } from './exchange.ts';
import { lostError, lostReason } from './lost.ts';
import { problemError } from './problem.ts';
import type { Address } from './target.ts';
import { defaultTimeoutMs } from './transport.ts';

export interface ChannelParts {
  readonly address: Address;
  readonly agent: Agent;
  readonly operation: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Close codes of RFC 6455 section 7.4.1. */
const normal = 1000;
const noStatus = 1005;
/** Servers take messages of up to 1 MiB; a stream may be cut anywhere. */
const maxFrameBytes = 256 * 1024;

/** Opens the channel. @throws PvcError as the server refused it, or that there is no connection; the signal's reason */
export async function openChannel(parts: ChannelParts): Promise<Duplex> {
  const { address, agent, operation, path, headers, clock, signal } = parts;
  signal.throwIfAborted();
  const { WebSocket } = await import('ws');
  const scheme = address.socketPath === undefined ? 'wss' : 'ws';
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const dialing = new AbortController();
  const socket = new WebSocket(`${scheme}://${host}:${address.port}${address.basePath}${path}`, {
    agent,
    headers,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: 16 * 1024 * 1024,
    [dialSignal]: dialing.signal,
  } as ClientOptions);
  socket.binaryType = 'nodebuffer';
  // Listens from the first moment: what comes with the handshake must not be missed.
  const stream = new WebSocketStream(socket, operation, address.server);
  try {
    await opened(socket, parts);
  } catch (error) {
    dialing.abort(new Error('nobody waits for it any more'));
    stream.on('error', () => undefined);
    stream.destroy();
    signal.throwIfAborted();
    throw lostError(error, { address, operation, changes: false, connected: false });
  }
  const stop = (): void => void stream.destroy();
  signal.addEventListener('abort', stop, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', stop));
  if (signal.aborted) stop();
  return stream;

  function opened(socket: WebSocket, { address, operation, signal }: ChannelParts): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (done: () => void) => (): void => {
        cancel();
        signal.removeEventListener('abort', stop);
        done();
      };
      const late = (): void =>
        reject(clientError('QUERY_LATE', { server: address.server, operation, seconds: defaultTimeoutMs / 1000 }));
      const cancel = clock.after(defaultTimeoutMs, settle(late));
      const stop = settle(() => reject(signal.reason as Error));
      signal.addEventListener('abort', stop, { once: true });
      socket.once('open', settle(resolve));
      socket.once('error', (error) => settle(() => reject(error))());
      socket.once('unexpected-response', (_request, answer) => {
        void refusal(answer, address.server, operation).then((error) => settle(() => reject(error))());
      });
    });
  }
}

/** Why a handshake was answered with something else. */
async function refusal(answer: IncomingMessage, server: string, operation: string): Promise<PvcError> {
  const status = answer.statusCode ?? 0;
  const other = clientError('ANSWER_INVALID', { server, operation, reason: `status ${status} instead of a WebSocket` });
  try {
    return problemError(JSON.parse(await textOf(answer)), status) ?? other;
  } catch {
    return other; // no problem document, or only half of one: the status is all that is known
  }
}

class WebSocketStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #received: Buffer[] = [];
  #wanted = false;
  #closed = false;
  #failure: Error | undefined;

  constructor(socket: WebSocket, operation: string, server: string) {
    // One byte: data waits in the queue below, so that an error comes after all of it and not before.
    super({ readableHighWaterMark: 1, writableHighWaterMark: maxFrameBytes, allowHalfOpen: false });
    this.#socket = socket;
    socket.on('message', (data: RawData) => {
      this.#received.push(...buffersOf(data));
      if (!this.#deliver()) socket.pause();
    });
    let broken: Error | undefined;
    socket.on('error', (error) => {
      broken = error;
    });
    socket.on('close', (code: number, reason: Buffer) => {
      this.#closed = true;
      if (code !== normal && code !== noStatus) {
        this.#failure =
          closeError(reason) ??
          clientError(
            'STREAM_BROKEN',
            {
              operation,
              server,
              reason: broken === undefined ? (closeWords[code] ?? `close code ${code}`) : lostReason(broken),
            },
            broken === undefined ? {} : { cause: broken },
          );
      }
      this.#deliver();
    });
  }

  override _read(): void {
    this.#wanted = true;
    if (this.#deliver() && this.#socket.isPaused) this.#socket.resume();
  }

  /** Gives what has come as far as it is wanted. @returns true when nothing is left over */
  #deliver(): boolean {
    while (this.#wanted) {
      const next = this.#received.shift();
      if (next === undefined) break;
      // Cleared first: a reader may ask for more while it is being given this.
      this.#wanted = false;
      if (this.push(next)) this.#wanted = true;
    }
    if (this.#received.length > 0) return false;
    if (this.#closed && this.#wanted && !this.destroyed) {
      if (this.#failure === undefined) this.push(null);
      else this.destroy(this.#failure);
    }
    return true;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) {
      // The other side has closed; its reason comes on the reading side.
      done();
      return;
    }
    let at = 0;
    const next = (error?: Error | null): void => {
      if (error !== undefined && error !== null && socket.readyState === socket.OPEN) return done(error);
      if (at >= chunk.length || socket.readyState !== socket.OPEN) return done();
      const part = chunk.subarray(at, at + maxFrameBytes);
      at += part.length;
      socket.send(part, { binary: true }, next);
    };
    next();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#leave();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#received.length = 0;
    if (this.#socket.readyState === this.#socket.OPEN) this.#leave();
    else if (this.#socket.readyState === this.#socket.CONNECTING) this.#socket.terminate();
    done(error);
  }

  #leave(): void {
    if (this.#socket.isPaused && this.destroyed) this.#socket.resume(); // or the answer to the close would never be read
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.close(normal);
  }
}

const closeWords: Readonly<Record<number, string>> = {
  1001: 'the daemon is stopping',
  1006: 'the connection was cut',
  1009: 'a message was too large',
};

/** The error in the reason of a close frame. */
function closeError(reason: Buffer): PvcError | undefined {
  if (reason.length === 0) return undefined;
  try {
    const told = problemError(JSON.parse(reason.toString('utf8')));
    // A close frame has no room for more than code and message; the catalogue knows the rest.
    const known = told === undefined ? undefined : errorCatalogue().get(told.code);
    return told === undefined || known === undefined
      ? told
      : new PvcError(told.code, told.message, { ...known, hint: /\{\w+\}/.test(known.hint) ? '' : known.hint });
  } catch {
    return undefined; // words for people, not an error of ours
  }
}

function buffersOf(data: RawData): Buffer[] {
  if (Array.isArray(data)) return data;
  return [data instanceof ArrayBuffer ? Buffer.from(data) : data];
}
