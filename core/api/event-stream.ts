/**
 * A feed as server-sent events (WHATWG HTML, section "Server-sent events"). Items are taken from the
 * feed only as fast as the reader takes them, so a slow reader costs one item of memory; one that takes
 * nothing at all is dropped and may resume.
 * @module
 */
import type { Clock } from '../host/clock.ts';
import type { FeedItem } from '../operation/operation.ts';
import { apiError } from './api-errors.ts';

/** A comment goes out when nothing else has for this long, so that a dead connection is noticed. */
export const heartbeatMs = 15_000;
/** A reader that does not take what is there for this long is dropped. */
export const stalledMs = 60_000;
/** How long a feed may take to fail with a plain error answer; after that it is a stream. */
const firstItemMs = 100;
const bufferBytes = 64 * 1024;

const oneLineOnly = (text: string): string => text.replace(/[\r\n\0]/g, '');

/** One event as text. */
export function eventText(item: FeedItem<unknown>): string {
  const id = item.id === undefined ? '' : `id: ${oneLineOnly(item.id)}\n`;
  const event = item.event === undefined ? '' : `event: ${oneLineOnly(item.event)}\n`;
  // JSON has no line ends of its own: one data line is enough.
  return `${id}${event}data: ${JSON.stringify(item.data) ?? 'null'}\n\n`;
}

export interface EventStreamParts {
  readonly clock: Clock;
  /** Opens the feed; the signal aborts when the reader leaves or the listener closes. */
  readonly open: (signal: AbortSignal) => AsyncIterable<FeedItem<unknown>>;
  /** No answer begins before this is settled, but for an early end; default: at once. */
  readonly ready?: Promise<unknown>;
  /** Aborts when the reader leaves. */
  readonly left: AbortSignal;
  /** Aborts when the listener closes: the stream says so with its last event, since the feed has not ended. */
  readonly closing: AbortSignal | undefined;
  /** Cuts the connection of a stalled reader; absent, the stream fails. */
  readonly cut: (() => void) | undefined;
  /** The last event of a feed that failed: its problem, as data. */
  readonly problem: (error: unknown) => unknown;
}

/**
 * Answers with the stream. A failure of the feed before its first item rejects; a later one is sent as
 * an event `problem`, and the stream ends.
 */
export async function eventStream(parts: EventStreamParts): Promise<Response> {
  const { clock, left, closing } = parts;
  const ended = new AbortController();
  const signal = AbortSignal.any([left, ended.signal, ...(closing === undefined ? [] : [closing])]);
  const items = parts.open(signal)[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  const gone = new Promise<'gone'>((resolve) => {
    if (signal.aborted) resolve('gone');
    else signal.addEventListener('abort', () => resolve('gone'), { once: true });
  });
  const finish = (): void => {
    ended.abort();
    // A generator that waits returns when its wait ends, which the signal makes it do; nobody waits for that.
    Promise.resolve(items.return?.()).catch(() => undefined);
  };
  // A generator that stands at a `yield` does not see the signal.
  void gone.then(finish);

  let pending: Promise<IteratorResult<FeedItem<unknown>>> | undefined = items.next();
  const early = await Promise.race([
    pending.then(() => 'item' as const),
    gone,
    Promise.resolve(parts.ready)
      .then(() => clock.sleep(firstItemMs, signal))
      .then(
        () => 'quiet' as const,
        () => 'gone' as const,
      ),
  ]).catch((error: unknown) => {
    finish();
    throw error;
  });
  // An answer that has not begun can still be a plain error: why it ended is known when the feed has.
  if (early === 'gone' && parts.ready !== undefined) await pending;
  if (early !== 'item') pending.catch(() => undefined); // told when it is pulled
  let cancelStall: () => void = () => undefined;

  // Without this a reader could not tell a feed that is over from a daemon that is.
  const sayClosing = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (left.aborted || closing?.aborted !== true) return;
    const problem = parts.problem(apiError('API_CLOSING'));
    controller.enqueue(encoder.encode(eventText({ event: 'problem', data: problem })));
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // Says at once that the stream is open, whatever stands between.
        controller.enqueue(encoder.encode(': open\n\n'));
      },
      async pull(controller) {
        cancelStall();
        pending ??= items.next();
        const quiet = new AbortController();
        const heartbeat = clock.sleep(heartbeatMs, quiet.signal).then(
          () => 'quiet' as const,
          () => 'gone' as const,
        );
        try {
          const next = await Promise.race([pending, heartbeat, gone]);
          if (next === 'quiet') controller.enqueue(encoder.encode(': still here\n\n'));
          else if (next === 'gone' || next.done === true) {
            sayClosing(controller); // a feed that ends because it was told to is not over either
            finish();
            controller.close();
            return;
          } else {
            pending = undefined;
            controller.enqueue(encoder.encode(eventText(next.value)));
          }
        } catch (error) {
          if (signal.aborted) sayClosing(controller);
          else controller.enqueue(encoder.encode(eventText({ event: 'problem', data: parts.problem(error) })));
          finish();
          controller.close();
          return;
        } finally {
          quiet.abort();
        }
        if ((controller.desiredSize ?? 0) > 0) return;
        cancelStall = clock.after(stalledMs, () => {
          finish();
          if (parts.cut === undefined) controller.error(new Error('the reader takes nothing'));
          else parts.cut();
        });
      },
      cancel() {
        cancelStall();
        finish();
      },
    },
    { highWaterMark: bufferBytes, size: (chunk) => chunk.length },
  );
  left.addEventListener('abort', () => cancelStall(), { once: true });
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
}
