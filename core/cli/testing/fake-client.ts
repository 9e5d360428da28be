/** A cluster that only answers what a test tells it to. @module */
import type { Duplex } from 'node:stream';
import type { DownloadBody } from '../../operation/stream-types.ts';
import type { TaskView } from '../../task/task-view.ts';
import type { ConnectedClient } from '../command-context.ts';

export interface Called {
  readonly operation: string;
  readonly input: unknown;
  readonly plan: boolean;
}

export interface FakeClientScript {
  /** Answers by operation; a function gets the input. `OPERATION:plan` answers plans. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** The states that `wait` goes through; the last must be an end, or it waits until the signal. */
  readonly tasks?: Readonly<Record<string, readonly TaskView[]>>;
  /** Called between two states of a task. */
  readonly between?: (task: TaskView) => Promise<void> | void;
  readonly feeds?: Readonly<Record<string, readonly unknown[]>>;
  readonly channel?: () => Duplex;
  /** Takes an upload. */
  readonly upload?: (
    body: AsyncIterable<Uint8Array>,
    options: Parameters<ConnectedClient['upload']>[3],
  ) => Promise<unknown>;
  /** What it is answered with besides. */
  readonly warnings?: readonly string[];
  readonly download?: (signal: AbortSignal) => DownloadBody;
}

export interface FakeClient extends ConnectedClient {
  readonly calls: Called[];
  closed: boolean;
}

const never = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(signal.reason as Error);
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

export function fakeClient(script: FakeClientScript = {}): FakeClient {
  const calls: Called[] = [];
  return {
    calls,
    closed: false,
    async call(operation, input, options = {}) {
      calls.push({ operation, input, plan: options.plan ?? false });
      const answer = script.answers?.[options.plan ? `${operation}:plan` : operation];
      if (answer === undefined) throw new Error(`no answer for ${operation}`);
      const value: unknown =
        typeof answer === 'function'
          ? await (answer as (input: unknown, signal: AbortSignal | undefined) => unknown)(input, options.signal)
          : answer;
      if (value instanceof Error) throw value;
      return value;
    },
    async *follow(operation, input, { signal }) {
      calls.push({ operation, input, plan: false });
      for (const data of script.feeds?.[operation] ?? []) {
        if (data === 'STOP') await never(signal);
        yield { data };
      }
    },
    async channel(operation, input) {
      calls.push({ operation, input, plan: false });
      if (script.channel === undefined) throw new Error('no channel here');
      return script.channel();
    },
    async upload(operation, input, body, options) {
      calls.push({ operation, input, plan: false });
      if (script.upload === undefined) throw new Error('no upload here');
      return { result: await script.upload(body, options), warnings: script.warnings ?? [], request: 'r1' };
    },
    async download(operation, input, { signal }) {
      calls.push({ operation, input, plan: false });
      if (script.download === undefined) throw new Error('no download here');
      return script.download(signal);
    },
    async wait(taskId, { onProgress, signal } = {}) {
      const states = script.tasks?.[taskId] ?? [];
      for (const state of states) {
        if (signal?.aborted) throw signal.reason;
        if (state.state !== 'pending' && state.state !== 'running') return state;
        onProgress?.(state);
        await script.between?.(state);
      }
      return never(signal);
    },
    async close() {
      this.closed = true;
    },
  };
}
