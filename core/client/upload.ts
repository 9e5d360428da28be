/** An upload through the API: the body goes there, the answer comes back as events. @module */
import type { IncomingMessage } from 'node:http';
import { PvcError } from '../error/error.ts';
import { type BodyTrouble, MeteredBody } from '../operation/metered-body.ts';
import { streamError } from '../operation/stream-errors.ts';
import type { UploadAnswer, UploadProgress } from '../operation/stream-types.ts';
import { clientError } from './client-errors.ts';
import { AskFailed } from './exchange.ts';
import { FeedFailed, itemsOf } from './follow.ts';
import { lostError, lostReason } from './lost.ts';
import { type SendBody, ServerStalled, sendBody } from './send-body.ts';
import { defaultTimeoutMs } from './transport.ts';

export interface UploadParts extends SendBody {
  readonly operation: string;
  readonly onProgress: ((progress: UploadProgress) => void) | undefined;
  /** Makes an error of an answer that is no stream of events. */
  readonly refusal: (head: IncomingMessage) => Promise<PvcError>;
}

/**
 * @throws PvcError as the operation tells it; UPLOAD_LOST, DAEMON_DOWN, API_UNREACHABLE, QUERY_LATE when the body was
 * not taken; ANSWER_LOST when that is not known; what the body throws; the signal's reason
 */
export async function upload(parts: UploadParts): Promise<UploadAnswer> {
  const { operation, address, clock, signal, sizeBytes } = parts;
  const { server } = address;
  const body = new MeteredBody({
    source: parts.body,
    clock,
    signal,
    sizeBytes,
    trouble: (what: BodyTrouble, bytes: number, cause: unknown) =>
      what === 'broken' || what === 'stopped'
        ? (cause as Error)
        : streamError('UPLOAD_SIZE_WRONG', { operation, bytes, announced: sizeBytes ?? 0 }),
  });
  const lost = (error: unknown): unknown => {
    signal.throwIfAborted();
    if (error === body.failure || error instanceof PvcError) return error;
    const cause = { cause: error };
    // Of a body that is not complete nothing is kept; one that is may have been dealt with.
    if (body.ended) return clientError('ANSWER_LOST', { server, operation }, cause);
    if (body.bytes > 0)
      return clientError(
        'UPLOAD_LOST',
        { server, operation, bytes: body.bytes, reason: lostReason(reasonOf(error)) },
        cause,
      );
    if (error instanceof ServerStalled)
      return clientError('QUERY_LATE', { server, operation, seconds: defaultTimeoutMs / 1000 }, cause);
    return lostError(reasonOf(error), { address, operation, changes: false, connected: false });
  };
  let close = (): void => {};
  try {
    const { head, ...answered } = await sendBody({ ...parts, body });
    close = answered.close;
    if (head.statusCode !== 200 || head.headers['content-type']?.startsWith('text/event-stream') !== true)
      throw await parts.refusal(head);
    for await (const { event, data } of itemsOf(head, { operation, server, clock }, signal)) {
      if (event === 'progress') parts.onProgress?.(data as UploadProgress);
      if (event === 'result') return data as UploadAnswer;
    }
  } catch (error) {
    throw error instanceof FeedFailed ? error.problem : lost(error);
  } finally {
    close();
  }
  throw lost(new Error('the answer ended before it said how it went'));
}

const reasonOf = (error: unknown): unknown => (error instanceof AskFailed ? error.cause : error);
