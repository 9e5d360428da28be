/** Follows a feed across broken connections and restarts of the daemon, without losing or repeating items. @module */
import type { IncomingMessage } from 'node:http';
import { PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { clientError } from './client-errors.ts';
import { EventTextReader } from './event-text.ts';
import { AskFailed } from './exchange.ts';
import { lostReason } from './lost.ts';
import { problemError } from './problem.ts';
import type { FollowOptions, StreamItem } from './transport.ts';

/** Whose events are read. */
export interface EventSource {
  readonly operation: string;
  readonly server: string;
  readonly clock: Clock;
}

export interface FollowParts extends EventSource {
  /** Opens the stream after the item of that id. @throws PvcError what the server refused, or that there is no connection */
  readonly open: (lastId: string | undefined, signal: AbortSignal) => Promise<IncomingMessage>;
}

const firstPauseMs = 100;
const longestPauseMs = 5_000;
/** For how long after a break a new connection is tried. */
const patienceMs = 120_000;
/** The server says something every 15 s; after this silence the connection is dead. */
const silenceMs = 60_000;

/** The server told of an error of the feed itself: the connection is not to blame. */
export class FeedFailed extends Error {
  readonly problem: PvcError;

  constructor(problem: PvcError) {
    super(problem.message);
    this.problem = problem;
  }
}

/**
 * A stream whose items have ids is resumed after the last of them. One without ids cannot be, so that a
 * break is an error. A stream that ends in order, and again at once when it is resumed, has ended.
 * @throws PvcError of the feed, STREAM_BROKEN, or that of the last try to connect
 */
export async function* followFeed(
  parts: FollowParts,
  { signal, resumeAfter }: FollowOptions,
): AsyncIterable<StreamItem> {
  const { operation, server, clock, open } = parts;
  let lastId = resumeAfter;
  let resumable = false;
  let pauseMs = firstPauseMs;
  let aliveMs = clock.monotonicMs();
  let first = true;
  let endedBefore = false;
  while (!signal.aborted) {
    let broken: unknown;
    try {
      const answer = await open(lastId, signal);
      first = false;
      let empty = true;
      for await (const item of itemsOf(answer, parts, signal)) {
        if (signal.aborted) return;
        empty = false;
        if (item.id !== undefined) {
          lastId = item.id;
          resumable = true;
        }
        pauseMs = firstPauseMs;
        yield item;
        aliveMs = clock.monotonicMs();
      }
      if (!resumable || (endedBefore && empty)) return;
      endedBefore = true;
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof FeedFailed ? error.problem : error;
      if (first || !mayPass(failure) || (error instanceof FeedFailed && !resumable)) throw failure;
      broken = failure;
    }
    if (broken !== undefined) {
      if (!resumable)
        throw clientError('STREAM_BROKEN', { operation, server, reason: lostReason(broken) }, { cause: broken });
      if (clock.monotonicMs() - aliveMs >= patienceMs)
        throw broken instanceof PvcError
          ? broken
          : clientError('STREAM_BROKEN', { operation, server, reason: lostReason(broken) }, { cause: broken });
    }
    await clock.sleep(pauseMs, signal).catch(() => undefined); // the signal ends the loop
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof AskFailed || (error instanceof PvcError && error.exit === 'unreachable');

/** The items of one connection. @throws FeedFailed, PvcError ANSWER_INVALID, AskFailed when it breaks */
export async function* itemsOf(
  answer: IncomingMessage,
  { operation, server, clock }: EventSource,
  signal: AbortSignal,
): AsyncIterable<StreamItem> {
  const reader = new EventTextReader();
  const invalid = (reason: string) => clientError('ANSWER_INVALID', { server, operation, reason });
  const stop = (): void => void answer.destroy();
  const watchSilence = (): (() => void) =>
    clock.after(silenceMs, () => answer.destroy(new Error('nothing came any more')));
  signal.addEventListener('abort', stop, { once: true });
  const chunks = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const cancel = watchSilence();
      const chunk = await chunks
        .next()
        .catch((error: unknown) => {
          throw new AskFailed(error, true);
        })
        .finally(cancel);
      if (chunk.done === true) return;
      for (const raw of reader.push(chunk.value)) {
        const data = parse(raw.data);
        if (data === undefined) throw invalid('an item is not JSON');
        if (raw.event === 'problem') {
          const problem = problemError(data.value);
          if (problem !== undefined) throw new FeedFailed(problem);
        }
        yield {
          ...(raw.id === undefined ? {} : { id: raw.id }),
          ...(raw.event === undefined ? {} : { event: raw.event }),
          data: data.value,
        };
      }
    }
  } catch (error) {
    if (error instanceof RangeError) throw invalid(error.message);
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    answer.on('error', () => undefined); // nobody listens any more
    answer.destroy();
  }
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}
