/** What stands behind a client: the API of a daemon, or the operations in this process. @module */
import type { Duplex } from 'node:stream';

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

export interface Transport {
  call(operation: string, input: unknown, options: CallOptions): Promise<unknown>;
  follow(operation: string, input: unknown, options: FollowOptions): AsyncIterable<StreamItem>;
  channel(operation: string, input: unknown, signal: AbortSignal): Promise<Duplex>;
  close(): void;
}

export const defaultTimeoutMs = 60_000;
