/** The client of operations: the command line and scripts use it alike, whatever stands behind it. @module */
import type { Duplex } from 'node:stream';
import type { Clock } from '../host/clock.ts';
import { linuxClock } from '../host/linux-clock.ts';
import type { CliClient } from '../operation/cli-spec.ts';
import type { PlanAnswer } from '../operation/execute.ts';
import type { AnswerFor, InputFor, ItemFor, OperationName } from '../operation/operation-types.ts';
import type { DownloadBody, UploadAnswer } from '../operation/stream-types.ts';
import type { TaskView, TaskWaiting } from '../task/task-view.ts';
import { ApiTransport } from './api-transport.ts';
import { DirectTransport } from './direct-transport.ts';
import type { ClientTarget, OperationLookup } from './target.ts';
import type { CallOptions, FollowOptions, ReceiveOptions, SendOptions, StreamItem, Transport } from './transport.ts';
import { type WaitOptions, waitTask } from './wait-task.ts';

export interface ClientOptions {
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** A way to a cluster. Names of operations that the program declares are typed; others take and give `unknown`. */
export class PvcClient implements CliClient, TaskWaiting {
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(transport: Transport, clock: Clock) {
    this.#transport = transport;
    this.#clock = clock;
  }

  /**
   * Does an operation. A query answers its output, a mutation what was committed, with `plan` what it would do.
   * @throws PvcError as the operation tells it; DAEMON_DOWN, API_UNREACHABLE and QUERY_LATE when nothing was
   * done; ANSWER_LOST and ANSWER_LATE when that is not known
   */
  call<N extends OperationName>(
    operation: N,
    input: InputFor<N>,
    options: CallOptions & { readonly plan: true },
  ): Promise<PlanAnswer>;
  call<N extends OperationName>(
    operation: N,
    input: InputFor<N>,
    options?: CallOptions & { readonly plan?: false },
  ): Promise<AnswerFor<N>>;
  call<N extends OperationName>(
    operation: N,
    input: InputFor<N>,
    options?: CallOptions,
  ): Promise<AnswerFor<N> | PlanAnswer>;
  call(operation: string, input: unknown, options: CallOptions = {}): Promise<unknown> {
    return this.#transport.call(operation, input, options);
  }

  /** Items of a feed, across broken connections, until the feed ends or the signal aborts. @throws PvcError */
  follow<N extends OperationName>(
    operation: N,
    input: InputFor<N>,
    options: FollowOptions,
  ): AsyncIterable<StreamItem<ItemFor<N>>> {
    return this.#transport.follow(operation, input, options) as AsyncIterable<StreamItem<ItemFor<N>>>;
  }

  /** A two-way stream of bytes. The signal ends it. @throws PvcError */
  channel<N extends OperationName>(operation: N, input: InputFor<N>, signal: AbortSignal): Promise<Duplex> {
    return this.#transport.channel(operation, input, signal);
  }

  /**
   * Sends a body, no faster than it is taken, and answers once the operation has dealt with it.
   * @throws PvcError as the operation tells it; UPLOAD_LOST when the connection broke before the last byte was taken,
   * ANSWER_LOST when it broke after; what the body throws
   */
  upload<N extends OperationName>(
    operation: N,
    input: InputFor<N>,
    body: AsyncIterable<Uint8Array>,
    options: SendOptions = {},
  ): Promise<AnswerFor<N> extends infer A ? (unknown extends A ? UploadAnswer : A) : never> {
    return this.#transport.upload(operation, input, body, options) as never;
  }

  /**
   * Opens a body, which is read to its end or left (`break`): then its connection is closed.
   * @throws PvcError; the body throws DOWNLOAD_LOST when it is not complete
   */
  download<N extends OperationName>(
    operation: N,
    input: InputFor<N>,
    options: ReceiveOptions = {},
  ): Promise<DownloadBody> {
    return this.#transport.download(operation, input, options);
  }

  /** The task once it has ended, however it ended. @throws the signal's reason; the task goes on */
  wait(taskId: string, options: WaitOptions = {}): Promise<TaskView> {
    const { signal } = options;
    return waitTask(
      async () => (await this.#transport.call('task.show', { task: taskId }, { signal })) as TaskView,
      this.#clock,
      options,
    );
  }

  /** Lets go of idle connections. */
  close(): void {
    this.#transport.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a client; connects first when it is used. Without `operations` a server is asked for its own list.
 * @throws PvcError TARGET_INVALID
 */
export function createClient(
  target: ClientTarget,
  operations?: OperationLookup,
  options: ClientOptions = {},
): PvcClient {
  const clock = options.clock ?? linuxClock;
  return new PvcClient(
    'executor' in target ? new DirectTransport(target, operations, clock) : new ApiTransport(target, operations, clock),
    clock,
  );
}
