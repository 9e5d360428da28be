/** What stands behind a client: the API of a daemon, or the operations in this process. @module */
import type { Duplex } from 'node:stream';
import type { DownloadBody, UploadAnswer, UploadProgress } from '../operation/stream-types.ts';

export interface CallOptions {
  /** Only tell what would be done. */
  readonly plan?: boolean | undefined;
  /** Stops waiting; what was sent may still be done. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait for the answer; 60 s unless said. */
  readonly timeoutMs?: number | undefined;
}

export interface FollowOptions {
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Id of the last item that was seen in an earlier life. */
  readonly resumeAfter?: string | undefined;
}

export interface StreamItem<T = unknown> {
  readonly id?: string;
  readonly event?: string;
  readonly data: T;
}

export interface SendOptions {
  /** How many bytes the body has; a body of another size is an error. Undefined: sent without saying, where the operation allows that. */
  readonly sizeBytes?: number | undefined;
  /** Gives up. What was sent is not kept, unless the last byte was among it. */
  readonly signal?: AbortSignal | undefined;
  /** Told how far the work has come after the last byte. */
  readonly onProgress?: ((progress: UploadProgress) => void) | undefined;
}

export interface ReceiveOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  call(operation: string, input: unknown, options: CallOptions): Promise<unknown>;
  follow(operation: string, input: unknown, options: FollowOptions): AsyncIterable<StreamItem>;
  channel(operation: string, input: unknown, signal: AbortSignal): Promise<Duplex>;
  upload(
    operation: string,
    input: unknown,
    body: AsyncIterable<Uint8Array>,
    options: SendOptions,
  ): Promise<UploadAnswer>;
  download(operation: string, input: unknown, options: ReceiveOptions): Promise<DownloadBody>;
  close(): void;
}

export const defaultTimeoutMs = 60_000;

/** A body of which the other side takes, or gives, nothing for this long is given up. A busy store may hold it for minutes. */
export const stalledBodyMs = 300_000;
