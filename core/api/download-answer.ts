/**
 * Answers with the bytes of a download, as fast as the reader takes them. A body that fails half-way cuts the
 * connection: the reader misses bytes of `Content-Length`, or the end of the chunked body, and knows.
 * @module
 */
import type { Clock } from '../host/clock.ts';
import type { DownloadBody } from '../operation/stream-types.ts';
import { stalledMs } from './event-stream.ts';

export interface DownloadParts {
  readonly clock: Clock;
  readonly download: DownloadBody;
  /** Cuts the connection; absent, the stream fails. */
  readonly cut: (() => void) | undefined;
  /** Told why a body failed after the answer had begun, since its reader cannot be. */
  readonly failed: (error: unknown) => void;
}

export const downloadHeaders = { 'content-type': 'application/octet-stream' } as const;

/** Held for the reader besides what the connection holds. */
const bufferBytes = 256 * 1024;

export function downloadAnswer({ clock, download, cut, failed }: DownloadParts): Response {
  const pieces = download.body[Symbol.asyncIterator]();
  let cancelStall = (): void => {};
  /** The reader has left, or has all and closed: there is nobody to give to or to tell. */
  let left = false;
  const fail = (controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void => {
    if (left) return;
    failed(error);
    if (cut === undefined) controller.error(error);
    else cut();
  };
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        cancelStall();
        try {
          const piece = await pieces.next();
          if (left) return;
          if (piece.done === true) {
            controller.close();
            return;
          }
          controller.enqueue(piece.value);
        } catch (error) {
          fail(controller, error);
          return;
        }
        if ((controller.desiredSize ?? 0) > 0) return;
        cancelStall = clock.after(stalledMs, () => fail(controller, new Error('the reader takes nothing')));
      },
      async cancel() {
        left = true;
        cancelStall();
        await pieces.return?.();
      },
    },
    { highWaterMark: bufferBytes, size: (piece) => piece.length },
  );
  const { sizeBytes } = download;
  return new Response(body, {
    headers: { ...downloadHeaders, ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }) },
  });
}
