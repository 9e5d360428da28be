/**
 * Takes an upload from a request and answers it. Nothing is answered before the last byte has come, so that an error
 * until then is a plain answer; what comes after it may take its time and is a stream of events: `progress`, and at
 * the end `result` or `problem`.
 * @module
 */
import type { FeedItem } from '../operation/operation.ts';
import type { UploadAnswer, UploadOptions, UploadProgress } from '../operation/stream-types.ts';
import { apiError } from './api-errors.ts';
import { type EventStreamParts, eventStream } from './event-stream.ts';

export interface UploadRequest extends Pick<EventStreamParts, 'clock' | 'left' | 'closing' | 'cut' | 'problem'> {
  readonly request: Pick<Request, 'headers'>;
  readonly source: AsyncIterable<Uint8Array>;
  readonly run: (body: AsyncIterable<Uint8Array>, options: UploadOptions) => Promise<UploadAnswer>;
}

/** @throws PvcError CONTENT_TYPE_WRONG, and what the upload throws before its last byte has come */
export async function answerUpload(upload: UploadRequest): Promise<Response> {
  const { headers } = upload.request;
  requireBytes(headers);
  const received = Promise.withResolvers<void>();
  const body = telling(upload.source, () => received.resolve());
  const answer = eventStream({
    ...upload,
    ready: received.promise,
    open: (signal) => itemsOf((onProgress) => upload.run(body, { sizeBytes: sizeOf(headers), signal, onProgress })),
  });
  return answer.finally(() => received.resolve());
}

/** @throws PvcError CONTENT_TYPE_WRONG for what is bytes of something else */
function requireBytes(headers: Headers): void {
  const wanted = 'application/octet-stream';
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? wanted;
  if (type !== wanted) throw apiError('CONTENT_TYPE_WRONG', { type, wanted });
  const coding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (coding !== 'identity') throw apiError('CONTENT_TYPE_WRONG', { type: `${type}, encoded with ${coding}`, wanted });
}

/** The size that was announced. A request with neither header has no body (RFC 9112 section 6.3). */
function sizeOf(headers: Headers): number | undefined {
  return headers.has('transfer-encoding') ? undefined : Number(headers.get('content-length') ?? 0);
}

async function* telling(source: AsyncIterable<Uint8Array>, ended: () => void): AsyncGenerator<Uint8Array> {
  yield* source;
  ended();
}

/** Only the latest progress is kept for a reader that is slower. */
async function* itemsOf(
  run: (onProgress: (progress: UploadProgress) => void) => Promise<UploadAnswer>,
): AsyncGenerator<FeedItem<unknown>, void, undefined> {
  let latest: UploadProgress | undefined;
  let news = Promise.withResolvers<void>();
  let over = false;
  const running = run((progress) => {
    latest = progress;
    news.resolve();
  }).finally(() => {
    over = true;
    news.resolve();
  });
  running.catch(() => undefined); // thrown below, unless nobody reads any more
  while (!over) {
    await news.promise;
    news = Promise.withResolvers();
    const told = latest;
    latest = undefined;
    if (told !== undefined) yield { event: 'progress', data: told };
  }
  yield { event: 'result', data: await running };
}
