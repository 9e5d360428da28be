/** Joins a WebSocket and a byte stream: binary frames both ways, each side no faster than the other takes. @module */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { closeReason } from './problem.ts';

/** Close codes of RFC 6455 section 7.4.1. */
const closeCode = { normal: 1000, goingAway: 1001, unsupported: 1003, failed: 1011 } as const;

/** Bytes waiting for the WebSocket's reader at which the stream is held, and at which it goes on. */
const holdAtBytes = 256 * 1024;
const resumeAtBytes = 64 * 1024;
/** A peer that answers no ping for this long is gone. */
const pingMs = 30_000;
/** What was received before a good close may still be written for this long. */
const flushMs = 5_000;

export interface BridgeParts {
  readonly socket: WebSocket;
  readonly stream: Duplex;
  readonly clock: Clock;
  /** Aborts when the listener closes. */
  readonly closing: AbortSignal;
  /** An error of the stream as it may be shown. */
  readonly shown: (error: unknown) => PvcError;
}

/** Runs until either side ends; then the other one ends, too. */
export function bridgeChannel({ socket, stream, clock, closing, shown }: BridgeParts): void {
  let answered = true;
  let cancelPing = (): void => undefined;
  const close = (code: number, reason = ''): void => {
    if (socket.isPaused) socket.resume(); // or the peer's close frame would never be read
    socket.close(code, reason);
  };
  const leave = (): void => close(closeCode.goingAway, 'this daemon is stopping');

  const ping = (): void => {
    // While it is held back its answers are not read, so silence says nothing.
    if (!answered && !socket.isPaused) return socket.terminate();
    answered = false;
    socket.ping();
    cancelPing = clock.after(pingMs, ping);
  };
  cancelPing = clock.after(pingMs, ping);
  socket.on('pong', () => {
    answered = true;
  });

  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (!isBinary) return close(closeCode.unsupported, 'binary frames only');
    if (stream.writable && !stream.write(bytesOf(data))) socket.pause();
  });
  stream.on('drain', () => {
    if (socket.isPaused) socket.resume();
  });
  stream.on('data', (chunk: Buffer) => {
    socket.send(chunk, { binary: true }, () => {
      if (stream.isPaused() && socket.bufferedAmount <= resumeAtBytes) stream.resume();
    });
    if (socket.bufferedAmount >= holdAtBytes) stream.pause();
  });
  stream.on('end', () => close(closeCode.normal));
  const fail = (error: Error): void => close(closeCode.failed, closeReason(shown(error)));
  stream.on('error', fail);
  stream.on('close', () => close(closeCode.normal));

  // ws closes the connection itself after a frame that it refuses; `close` follows.
  socket.on('error', () => undefined);
  socket.on('close', (code: number) => {
    cancelPing();
    closing.removeEventListener('abort', leave);
    if (code !== closeCode.normal || stream.destroyed) {
      stream.destroy();
      return;
    }
    const cancel = clock.after(flushMs, () => stream.destroy());
    stream.once('close', cancel);
    stream.end(() => stream.destroy());
  });
  closing.addEventListener('abort', leave, { once: true });
  if (closing.aborted) leave();
  // It may have ended while the handshake was completed.
  if (stream.errored !== null) fail(stream.errored);
  else if (stream.destroyed) close(closeCode.normal);
}

function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : data;
}
