/** Operations in this process, on the store: works when no daemon does. @module */
import type { Duplex } from 'node:stream';
import type { Clock } from '../host/clock.ts';
import type { Operation } from '../operation/operation.ts';
import type { DownloadBody, UploadAnswer } from '../operation/stream-types.ts';
import { clientError } from './client-errors.ts';
import type { DirectTarget, OperationLookup } from './target.ts';
import {
  type CallOptions,
  defaultTimeoutMs,
  type FollowOptions,
  type ReceiveOptions,
  type SendOptions,
  type StreamItem,
  type Transport,
} from './transport.ts';

const never = new AbortController().signal;

export class DirectTransport implements Transport {
  readonly #target: DirectTarget;
  readonly #lookup: OperationLookup;
  readonly #clock: Clock;

  constructor(target: DirectTarget, lookup: OperationLookup | undefined, clock: Clock) {
    if (lookup === undefined)
      throw clientError('TARGET_INVALID', { reason: 'without an API the operations must be given' });
    this.#target = target;
    this.#lookup = lookup;
    this.#clock = clock;
  }

  async call(name: string, input: unknown, options: CallOptions): Promise<unknown> {
    const { executor, actor } = this.#target;
    const operation = this.#lookup.get(name);
    const changes = operation.type === 'mutation' && options.plan !== true;
    return this.#bounded(name, changes, options, (signal) => {
      switch (operation.type) {
        case 'query':
          return executor.query(operation, input, actor, signal);
        case 'mutation':
          return changes ? executor.mutate(operation, input, actor) : executor.plan(operation, input, actor);
        default:
          throw wrongType(operation, 'called');
      }
    });
  }

  async *follow(name: string, input: unknown, { signal, resumeAfter }: FollowOptions): AsyncIterable<StreamItem> {
    const operation = this.#lookup.get(name);
    if (operation.type !== 'feed') throw wrongType(operation, 'followed');
    const { executor, actor } = this.#target;
    try {
      for await (const item of executor.feed(operation, input, actor, signal, resumeAfter)) {
        yield item;
        if (signal.aborted) return;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async channel(name: string, input: unknown, signal: AbortSignal): Promise<Duplex> {
    const operation = this.#lookup.get(name);
    if (operation.type !== 'channel') throw wrongType(operation, 'connected to');
    const stream = await this.#target.executor.channel(operation, input, this.#target.actor, signal);
    const stop = (): void => void stream.destroy();
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', stop));
    return stream;
  }

  async upload(
    name: string,
    input: unknown,
    body: AsyncIterable<Uint8Array>,
    { signal = never, ...options }: SendOptions,
  ): Promise<UploadAnswer> {
    const operation = this.#lookup.get(name);
    if (operation.type !== 'upload') throw wrongType(operation, 'sent to');
    const { executor, actor } = this.#target;
    return executor.upload(operation, input, actor, body, { sizeBytes: undefined, ...options, signal });
  }

  async download(name: string, input: unknown, { signal = never }: ReceiveOptions): Promise<DownloadBody> {
    const operation = this.#lookup.get(name);
    if (operation.type !== 'download') throw wrongType(operation, 'read from');
    return this.#target.executor.download(operation, input, this.#target.actor, signal);
  }

  close(): void {}

  /** Stops waiting at the time limit or when told to; a mutation that is under way goes on. */
  async #bounded(
    name: string,
    changes: boolean,
    options: CallOptions,
    run: (signal: AbortSignal) => Promise<unknown>,
  ): Promise<unknown> {
    options.signal?.throwIfAborted();
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const stop = new AbortController();
    const stopped = Promise.withResolvers<never>();
    stop.signal.addEventListener('abort', () => stopped.reject(stop.signal.reason), { once: true });
    const cancel = this.#clock.after(timeoutMs, () =>
      stop.abort(
        clientError(changes ? 'ANSWER_LATE' : 'QUERY_LATE', {
          server: 'The store',
          operation: name,
          seconds: timeoutMs / 1000,
        }),
      ),
    );
    const told = (): void => stop.abort(options.signal?.reason);
    options.signal?.addEventListener('abort', told, { once: true });
    try {
      return await Promise.race([run(stop.signal), stopped.promise]);
    } finally {
      cancel();
      options.signal?.removeEventListener('abort', told);
    }
  }
}

const wrongType = (operation: Operation, what: string) =>
  clientError('CALL_INVALID', { operation: operation.name, type: operation.type, what });
