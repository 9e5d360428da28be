/**
 * A libvirt stream (the serial console of a guest, say) as a Node `Duplex`. Data are messages of type
 * *stream* that carry the serial of the call that opened it; an empty one is the end of the other side's data;
 * status *ok* finishes the stream in both directions and is confirmed; status *error* aborts it.
 * @module
 */
import { Duplex } from 'node:stream';
import { decode } from './codec.ts';
import { LibvirtError, libvirtError } from './errors.ts';
import type { Frame, FrameStatus } from './frame.ts';
import { errorReply } from './wire.ts';

/** libvirt's own clients cut at 256 KiB; smaller pieces let other messages pass in between. */
const pieceBytes = 65_536;
/** Unread data after which a stream is ended, when the connection is shared and cannot be held for its sake. */
const defaultUnreadBytes = 4 * 1024 * 1024;

export interface StreamWire {
  /** Name of the procedure that opened the stream, for messages. */
  readonly name: string;
  /** Sends one stream message; `done` when the socket has taken it. */
  readonly send: (status: FrameStatus, payload: Uint8Array, done?: (error?: Error | null) => void) => void;
  /** Stops or resumes reading from the connection; absent on a connection that is shared. */
  readonly hold?: ((held: boolean) => void) | undefined;
  /** The last message of this stream has come or its connection has ended. */
  readonly released: () => void;
  readonly maxUnreadBytes?: number | undefined;
}

const nothing = new Uint8Array(0);

/** Errors of the stream are `LibvirtError` when libvirt ended it, or the reason why the connection ended. */
export class LibvirtStream extends Duplex {
  private readonly wire: StreamWire;
  /** `open`; `finishing` and `aborting` wait for libvirt's confirmation; `over`: nothing more will come or may be sent. */
  private state: 'open' | 'finishing' | 'aborting' | 'over' = 'open';
  private ended = false;
  private held = false;
  private onConfirmed: ((error?: Error | null) => void) | undefined;

  constructor(wire: StreamWire) {
    // The end of either direction ends the other: a console without input or output is of no use.
    super({ allowHalfOpen: false, emitClose: true });
    this.wire = wire;
  }

  /** Takes one message of this stream. @throws XdrError when an error message cannot be read */
  receive(frame: Frame): void {
    if (frame.status === 'continue') this.receiveData(frame.payload);
    else if (frame.status === 'ok') this.receiveFinish();
    else this.receiveError(new LibvirtError(this.wire.name, decode(errorReply, frame.payload)));
  }

  /** The connection is gone. */
  lost(reason: Error): void {
    if (this.state === 'over') return;
    this.over(reason);
    this.destroy(reason);
  }

  private receiveData(data: Uint8Array): void {
    if (this.state === 'aborting' || this.ended) return;
    if (data.length === 0) {
      this.endReadable();
      return;
    }
    // A copy: the payload is a window on the receive buffer.
    if (this.push(Buffer.from(data))) return;
    if (this.wire.hold !== undefined) {
      this.held = true;
      this.wire.hold(true);
    } else if (this.readableLength > (this.wire.maxUnreadBytes ?? defaultUnreadBytes)) {
      this.destroy(libvirtError('LIBVIRT_STREAM_SLOW', { megabytes: Math.round(this.readableLength / 1e6) }));
    }
  }

  private receiveFinish(): void {
    this.over();
    this.endReadable();
  }

  private receiveError(error: LibvirtError): void {
    const aborting = this.state === 'aborting';
    this.over(error);
    // After our own abort an error is only libvirt's way of confirming it.
    if (!aborting) this.destroy(error);
  }

  private endReadable(): void {
    if (this.ended || this.destroyed) return;
    this.ended = true;
    this.push(null);
  }

  private over(error?: Error): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.release();
    this.wire.released();
    this.onConfirmed?.(error);
  }

  private release(): void {
    if (!this.held) return;
    this.held = false;
    this.wire.hold?.(false);
  }

  override _read(): void {
    this.release();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.sendFrom(chunk, 0, done);
  }

  private sendFrom(chunk: Buffer, from: number, done: (error?: Error | null) => void): void {
    if (this.state !== 'open' || from >= chunk.length) return done();
    const end = Math.min(from + pieceBytes, chunk.length);
    this.wire.send('continue', chunk.subarray(from, end), (error) =>
      error ? done(error) : this.sendFrom(chunk, end, done),
    );
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.state !== 'open') return done();
    this.state = 'finishing';
    this.onConfirmed = done;
    this.wire.send('ok', nothing);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.release();
    if (this.state === 'open' || this.state === 'finishing') {
      this.state = 'aborting';
      this.wire.send('error', nothing);
    }
    done(error);
  }
}
