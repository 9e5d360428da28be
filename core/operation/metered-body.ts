/**
 * A body as it passes: counted, against what was announced; never waited for without end; ended by a signal.
 * Nothing is kept of it: the next piece is asked for when the taker wants it.
 * @module
 */
import type { Clock } from '../host/clock.ts';

/** What is wrong with a body: `long` is more than announced or allowed. */
export type BodyTrouble = 'broken' | 'short' | 'long' | 'stalled' | 'stopped';

export interface MeterParts {
  readonly source: AsyncIterable<Uint8Array>;
  readonly clock: Clock;
  /** Ends the body with the trouble `stopped`. */
  readonly signal: AbortSignal;
  /** Exactly so many bytes must come; undefined: as many as do. */
  readonly sizeBytes: number | undefined;
  /** No more than that may come. */
  readonly maxBytes?: number | undefined;
  /** So long a single piece is waited for; undefined: without end. Time that the taker needs does not count. */
  readonly stallMs?: number | undefined;
  /** The error for a trouble, after so many bytes. */
  readonly trouble: (what: BodyTrouble, bytes: number, cause?: unknown) => Error;
}

export class MeteredBody implements AsyncIterable<Uint8Array> {
  readonly #parts: MeterParts;
  readonly #source: AsyncIterator<Uint8Array>;
  #bytes = 0;
  #ended = false;
  #failure: Error | undefined;
  readonly #broken = new AbortController();
  #released: Promise<unknown> | undefined;
  /** Rejects the piece that is being waited for. */
  #giveUp: ((error: Error) => void) | undefined;

  constructor(parts: MeterParts) {
    this.#parts = parts;
    this.#source = parts.source[Symbol.asyncIterator]();
    const stop = (): void => void this.#fail('stopped', parts.signal.reason);
    if (parts.signal.aborted) stop();
    else parts.signal.addEventListener('abort', stop, { once: true });
  }

  /** How many bytes have passed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** All has come, and the number is right. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What was wrong with it, whatever its taker made of that. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Aborts with it, whether somebody reads at that moment or not. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (let piece = await this.#next(); piece !== undefined; piece = await this.#next()) yield piece;
    } finally {
      const released = this.#release();
      // The source of a body that failed may wait for its next piece still: nobody can wait for that.
      if (this.#failure === undefined) await released;
    }
  }

  /** Resolves when the source has ended, with all that it does at its end. It may have failed to. */
  get released(): Promise<unknown> {
    return Promise.allSettled([this.#released]);
  }

  /** Makes sure that all of it was taken. @throws what was wrong with it; Error when some is left */
  async finish(): Promise<void> {
    if ((await this.#next()) === undefined) return;
    await this.#release();
    throw new Error('the operation ended before it had taken the whole body');
  }

  /** The next piece, undefined at the end. */
  #next(): Promise<Uint8Array | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(undefined);
    const { clock, stallMs } = this.#parts;
    return new Promise((resolve, reject) => {
      const cancel = stallMs === undefined ? () => {} : clock.after(stallMs, () => this.#fail('stalled'));
      this.#giveUp = (error) => {
        cancel();
        reject(error);
      };
      this.#piece().then(
        (piece) => {
          if (this.#failure !== undefined) return; // told already
          cancel();
          this.#giveUp = undefined;
          resolve(piece);
        },
        (error: unknown) => void this.#fail('broken', error),
      );
    });
  }

  async #piece(): Promise<Uint8Array | undefined> {
    const { sizeBytes } = this.#parts;
    const piece = await this.#counted();
    if (piece === undefined && sizeBytes !== undefined && this.#bytes < sizeBytes) throw this.#fail('short');
    // The last piece is passed on once it is known to be the last: whoever has it may take all to be well.
    if (piece !== undefined && this.#bytes === sizeBytes) while ((await this.#counted()) !== undefined);
    this.#ended = piece === undefined || this.#bytes === sizeBytes;
    return piece;
  }

  /** The next piece of the source. */
  async #counted(): Promise<Uint8Array | undefined> {
    const { sizeBytes, maxBytes } = this.#parts;
    const given = await this.#source.next();
    if (given.done === true) return undefined;
    if (!(given.value instanceof Uint8Array)) throw new TypeError('a piece of it is no bytes');
    this.#bytes += given.value.length;
    const limit = Math.min(sizeBytes ?? Number.POSITIVE_INFINITY, maxBytes ?? Number.POSITIVE_INFINITY);
    if (this.#bytes > limit) throw this.#fail('long');
    return given.value;
  }

  /** @returns what is wrong with it: the first that was */
  #fail(what: BodyTrouble, cause?: unknown): Error {
    if (this.#failure !== undefined) return this.#failure;
    const failure = this.#parts.trouble(what, this.#bytes, cause);
    if (this.#ended) return failure; // all has come: what happens now is no trouble of the body
    this.#failure = failure;
    this.#giveUp?.(failure);
    this.#giveUp = undefined;
    this.#broken.abort(failure);
    this.#release().catch(() => undefined); // its first trouble is the one that counts
    return failure;
  }

  /** Ends the source; one that waits for its next piece ends when that comes. */
  #release(): Promise<unknown> {
    this.#released ??= Promise.resolve(this.#source.return?.());
    return this.#released;
  }
}
