/** A download through the API: the head of the answer, and its body piece by piece. @module */
import type { IncomingMessage } from 'node:http';
import type { PvcError } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { type BodyTrouble, MeteredBody } from '../operation/metered-body.ts';
import type { DownloadBody } from '../operation/stream-types.ts';
import { clientError } from './client-errors.ts';
import { type Ask, AskFailed, ask } from './exchange.ts';
import { lostError, lostReason } from './lost.ts';
import { defaultTimeoutMs, stalledBodyMs } from './transport.ts';

export interface DownloadParts extends Ask {
  readonly operation: string;
  readonly clock: Clock;
  /** Makes an error of an answer that is no body of bytes. */
  readonly refusal: (head: IncomingMessage) => Promise<PvcError>;
}

/**
 * The body throws DOWNLOAD_LOST when the connection breaks before its end.
 * @throws PvcError as the operation tells it; DAEMON_DOWN, API_UNREACHABLE, QUERY_LATE; the signal's reason
 */
export async function download(parts: DownloadParts): Promise<DownloadBody> {
  const { operation, address, clock, signal } = parts;
  const { server } = address;
  const late = new AbortController();
  const cancel = clock.after(defaultTimeoutMs, () => late.abort());
  let head: IncomingMessage;
  try {
    signal.throwIfAborted();
    head = await ask({ ...parts, signal: AbortSignal.any([signal, late.signal]) });
  } catch (error) {
    signal.throwIfAborted();
    if (late.signal.aborted) throw clientError('QUERY_LATE', { server, operation, seconds: defaultTimeoutMs / 1000 });
    if (!(error instanceof AskFailed)) throw error;
    throw lostError(error.cause, { address, operation, changes: false, connected: error.connected });
  } finally {
    cancel();
  }
  if (head.statusCode !== 200 || head.headers['content-type'] !== 'application/octet-stream')
    throw await parts.refusal(head);
  const length = head.headers['content-length'];
  const sizeBytes = length === undefined ? undefined : Number(length);
  const body = new MeteredBody({
    // Its own iterator throws when the connection is cut before Content-Length, or the last chunk, has come.
    source: head,
    clock,
    signal,
    sizeBytes,
    stallMs: stalledBodyMs,
    trouble(what: BodyTrouble, bytes: number, cause: unknown) {
      head.destroy();
      if (what === 'stopped') return cause as Error;
      const reason = what === 'stalled' ? `nothing came for ${stalledBodyMs / 1000} s` : lostReason(cause);
      return clientError(
        'DOWNLOAD_LOST',
        { server, operation, bytes, size: sizeBytes ?? 'an unknown number of', reason },
        { cause },
      );
    },
  });
  return { sizeBytes, body };
}
