/** Runs uploads and downloads on this node: the body is metered, the record kept, the end waited for. @module */
import { errorText, PvcError } from '../error/error.ts';
import { type BodyTrouble, MeteredBody } from './metered-body.ts';
import type { Actor, Download, QueryContext, Upload } from './operation.ts';
import { streamError } from './stream-errors.ts';
import { beginRecord, type RecordParts } from './stream-record.ts';
import type { DownloadBody, UploadAnswer, UploadOptions } from './stream-types.ts';

/** A sender of whom nothing comes for this long is given up. */
export const stalledUploadMs = 60_000;

type Input = Record<string, unknown>;

/** @throws PvcError UPLOAD_SIZE_UNKNOWN, UPLOAD_TOO_LARGE */
export function requireSize(operation: Upload, sizeBytes: number | undefined): void {
  if (sizeBytes === undefined && operation.sizeUnknown !== true)
    throw streamError('UPLOAD_SIZE_UNKNOWN', { operation: operation.name });
  const limit = operation.maxBodyBytes;
  if (limit !== undefined && (sizeBytes ?? 0) > limit)
    throw streamError('UPLOAD_TOO_LARGE', { operation: operation.name, limit });
}

/** The body of an upload as it comes from the caller. */
export function uploadBody(
  operation: Upload,
  source: AsyncIterable<Uint8Array>,
  { sizeBytes, signal }: UploadOptions,
  clock: RecordParts['host']['clock'],
): MeteredBody {
  const { name, maxBodyBytes } = operation;
  return new MeteredBody({
    source,
    clock,
    signal,
    sizeBytes,
    maxBytes: maxBodyBytes,
    stallMs: stalledUploadMs,
    trouble(what, bytes, cause) {
      if (what === 'stopped') return leftError(name, bytes, cause);
      if (what === 'stalled')
        return streamError('UPLOAD_STALLED', { operation: name, bytes, seconds: stalledUploadMs / 1000 });
      if (what === 'broken')
        return cause instanceof PvcError ? cause : streamError('UPLOAD_BROKEN', { operation: name, bytes }, { cause });
      if (what === 'long' && sizeBytes === undefined)
        return streamError('UPLOAD_TOO_LARGE', { operation: name, limit: maxBodyBytes ?? 0 });
      return streamError('UPLOAD_SIZE_WRONG', { operation: name, bytes, announced: sizeBytes ?? 0 });
    },
  });
}

/** A signal's reason, or that the caller has left. */
const leftError = (operation: string, bytes: number, reason: unknown): Error =>
  reason instanceof PvcError ? reason : streamError('STREAM_LEFT', { operation, bytes }, { cause: reason });

const shortReason = (error: unknown): string =>
  error instanceof PvcError ? `${error.code}, ${error.message}` : errorText(error);

export class Streams {
  readonly #parts: RecordParts;
  readonly #running = new Set<Promise<unknown>>();

  constructor(parts: RecordParts) {
    this.#parts = parts;
  }

  /** Resolves when nothing passes any more and every handler has returned. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  receive(
    operation: Upload,
    input: Input,
    context: QueryContext,
    source: AsyncIterable<Uint8Array>,
    options: UploadOptions,
  ): Promise<UploadAnswer> {
    return this.#follow(this.#receive(operation, input, context, source, options));
  }

  async send(operation: Download, input: Input, context: QueryContext): Promise<DownloadBody> {
    const over = Promise.withResolvers<void>();
    void this.#follow(over.promise);
    return this.#send(operation, input, context, () => over.resolve()).catch((error: unknown) => {
      over.resolve();
      throw error;
    });
  }

  #follow<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    );
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return work;
  }

  async #receive(
    operation: Upload,
    input: Input,
    context: QueryContext,
    source: AsyncIterable<Uint8Array>,
    options: UploadOptions,
  ): Promise<UploadAnswer> {
    const { sizeBytes } = options;
    const record = await this.#begin(
      operation,
      input,
      context.actor,
      `${sizeBytes === undefined ? 'bytes' : `${sizeBytes} bytes`} to receive`,
    );
    const body = uploadBody(operation, source, options, this.#parts.host.clock);
    const left = new AbortController();
    const leave = (): void => left.abort(leftError(operation.name, body.bytes, options.signal.reason));
    options.signal.addEventListener('abort', leave, { once: true });
    if (options.signal.aborted) leave();
    const signal = AbortSignal.any([left.signal, body.broken]);
    const warnings: string[] = [];
    try {
      const answer: unknown = await operation.receive({ ...context, signal }, input, body, {
        sizeBytes,
        signal,
        progress(message, share) {
          if (body.ended) options.onProgress?.({ message, ...(share === undefined ? {} : { share }) });
        },
        warn: (message) => void warnings.push(message),
      });
      await body.finish();
      const result: unknown = operation.output.parse(answer);
      await record.end(`received ${body.bytes} bytes`);
      return { result, warnings, request: record.request };
    } catch (error) {
      // A handler has words of its own for a body that broke off; what was wrong with the body says more.
      const reason =
        body.failure ?? (options.signal.aborted ? leftError(operation.name, body.bytes, options.signal.reason) : error);
      await record.end(`failed after ${body.bytes} bytes: ${shortReason(reason)}`);
      throw reason;
    }
  }

  async #send(operation: Download, input: Input, context: QueryContext, over: () => void): Promise<DownloadBody> {
    const record = await this.#begin(operation, input, context.actor, 'bytes to send');
    let body: MeteredBody | undefined;
    const failed = (error: unknown): Promise<void> =>
      record.end(`failed after ${body?.bytes ?? 0} bytes: ${shortReason(error)}`);
    try {
      const given = await operation.send(context, input, { signal: context.signal });
      body = downloadBody(operation, given, context, this.#parts);
      const pieces = body[Symbol.asyncIterator]();
      // Now it has begun: whoever ends it makes the handler's own end run.
      const first = await pieces.next();
      return {
        sizeBytes: given.sizeBytes,
        body: endingBody(pieces, first, async (reason) => {
          if (reason !== undefined) await failed(reason);
          else if (body?.ended === true) await record.end(`sent ${body.bytes} bytes`);
          else await failed(leftError(operation.name, body?.bytes ?? 0, context.signal.reason));
          void body?.released.then(over);
        }),
      };
    } catch (error) {
      await failed(error);
      throw error;
    }
  }

  #begin(operation: Upload | Download, input: Input, actor: Actor, line: string) {
    return beginRecord(this.#parts, operation, input, actor, line);
  }
}

function downloadBody(
  { name }: Download,
  { sizeBytes, body }: DownloadBody,
  { signal }: QueryContext,
  { host }: RecordParts,
): MeteredBody {
  return new MeteredBody({
    source: body,
    clock: host.clock,
    signal,
    sizeBytes,
    trouble: (what: BodyTrouble, bytes: number, cause: unknown) =>
      what === 'stopped'
        ? leftError(name, bytes, cause)
        : what === 'broken' && cause instanceof Error
          ? cause
          : new Error(`${name} gave ${bytes} bytes and had announced ${sizeBytes ?? 'none'}`),
  });
}

/** What is left of an iterator after its first piece; `end` is called once, with what it failed with. */
function endingBody(
  pieces: AsyncGenerator<Uint8Array, void, undefined>,
  first: IteratorResult<Uint8Array, void>,
  end: (error?: unknown) => Promise<void>,
): AsyncIterable<Uint8Array> {
  let next: IteratorResult<Uint8Array, void> | undefined = first;
  let over: Promise<void> | undefined;
  const iterator: AsyncIterator<Uint8Array, void> = {
    async next() {
      try {
        const piece = next ?? (await pieces.next());
        next = undefined;
        if (piece.done === true) await (over ??= end());
        return piece;
      } catch (error) {
        await (over ??= end(error));
        throw error;
      }
    },
    async return() {
      await pieces.return();
      await (over ??= end());
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
