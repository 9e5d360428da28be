/**
 * The calls under way on one connection: numbers them, keeps only a few at a time in libvirtd's hands,
 * matches replies, and gives each an end when its time is up, its caller cancels, or the connection ends.
 * @module
 */
import type { Clock, PvcError } from '../../../core/plugin/api.ts';
import { decode } from './codec.ts';
import { LibvirtError, libvirtError } from './errors.ts';
import type { Frame } from './frame.ts';
import { errorReply } from './wire.ts';

export interface Call {
  /** For messages to people. */
  readonly name: string;
  readonly effect: 'read' | 'write';
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Puts the call on the wire under this serial. */
  readonly send: (serial: number) => void;
  /** Runs in the same turn as the reply is read, before any message behind it: the place to register a stream. */
  readonly onReply?: ((serial: number) => void) | undefined;
  /** A good reply came after the caller had been told that the time was up. */
  readonly onLateReply?: ((serial: number) => void) | undefined;
}

interface Entry {
  readonly call: Call;
  serial: number | undefined;
  /** Called once; afterwards the entry only waits for its reply. */
  finish: ((error: PvcError | undefined, payload?: Uint8Array) => void) | undefined;
}

export class CallLedger {
  private readonly clock: Clock;
  private readonly window: number;
  private readonly waiting: Entry[] = [];
  private readonly sent = new Map<number, Entry>();
  private nextSerial = 0;
  private failure: PvcError | undefined;

  /** `window`: how many calls libvirtd may have at a time; the others wait here, in order. */
  constructor(clock: Clock, window: number) {
    this.clock = clock;
    this.window = window;
  }

  /** How many more calls can be sent at once. */
  get room(): number {
    return this.window - this.sent.size;
  }

  /**
   * Resolves with the payload of the reply.
   * @throws LibvirtError when libvirt refuses; LIBVIRT_OUTCOME_UNKNOWN for a call that changes something
   * and was sent but not answered; LIBVIRT_SLOW, LIBVIRT_CANCELLED or the reason of the connection's end otherwise
   */
  run(call: Call): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure);
      if (call.signal?.aborted === true) return reject(libvirtError('LIBVIRT_CANCELLED', { procedure: call.name }));
      const entry: Entry = { call, serial: undefined, finish: undefined };
      const onAbort = () => this.abandon(entry, libvirtError('LIBVIRT_CANCELLED', { procedure: call.name }));
      const cancelTimer = this.clock.after(call.timeoutMs, () =>
        this.abandon(entry, libvirtError('LIBVIRT_SLOW', { procedure: call.name, seconds: call.timeoutMs / 1000 })),
      );
      call.signal?.addEventListener('abort', onAbort, { once: true });
      entry.finish = (error, payload) => {
        entry.finish = undefined;
        cancelTimer();
        call.signal?.removeEventListener('abort', onAbort);
        if (error !== undefined) reject(error);
        else resolve(payload as Uint8Array);
      };
      this.waiting.push(entry);
      this.sendWaiting();
    });
  }

  /** Takes a reply; false when no call has that serial. @throws XdrError when an error reply cannot be read */
  settle(frame: Frame): boolean {
    const entry = this.sent.get(frame.serial);
    if (entry === undefined) return false;
    // Read before the entry is forgotten: if the bytes are no error reply, the connection ends and tells this caller too.
    const refusal =
      frame.status === 'error' ? new LibvirtError(entry.call.name, decode(errorReply, frame.payload)) : undefined;
    this.sent.delete(frame.serial);
    if (refusal !== undefined) {
      entry.finish?.(refusal);
    } else if (entry.finish !== undefined) {
      entry.call.onReply?.(frame.serial);
      entry.finish(undefined, frame.payload);
    } else {
      entry.call.onLateReply?.(frame.serial);
    }
    this.sendWaiting();
    return true;
  }

  /** Ends every call: the connection is gone. */
  fail(reason: PvcError): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    const entries = [...this.sent.values(), ...this.waiting];
    this.waiting.length = 0;
    for (const entry of entries) entry.finish?.(this.verdict(entry, reason));
    this.sent.clear();
  }

  /** The caller waits no longer. A sent call keeps its place until libvirtd answers, since libvirtd still works on it. */
  private abandon(entry: Entry, reason: PvcError): void {
    const at = this.waiting.indexOf(entry);
    if (at >= 0) this.waiting.splice(at, 1);
    entry.finish?.(this.verdict(entry, reason));
  }

  /** What to tell the caller of a call that ends without a reply. */
  private verdict(entry: Entry, reason: PvcError): PvcError {
    if (entry.serial === undefined || entry.call.effect === 'read') return reason;
    const why = reason.code === 'LIBVIRT_CANCELLED' ? 'it was cancelled after it had been sent' : reason.message;
    return libvirtError('LIBVIRT_OUTCOME_UNKNOWN', { procedure: entry.call.name, reason: why }, { cause: reason });
  }

  private sendWaiting(): void {
    while (this.sent.size < this.window) {
      const entry = this.waiting.shift();
      if (entry === undefined) return;
      entry.serial = this.nextSerial;
      this.nextSerial = (this.nextSerial + 1) >>> 0;
      this.sent.set(entry.serial, entry);
      entry.call.send(entry.serial);
    }
  }
}
