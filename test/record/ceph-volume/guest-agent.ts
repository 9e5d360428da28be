/**
 * Runs commands in a machine through QEMU's guest agent, which gives each one's exit code, output and errors apart.
 * Protocol: https://qemu-project.gitlab.io/qemu/interop/qemu-ga-ref.html, JSON lines over a unix socket.
 * @module
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a command in the machine ended. */
export interface GuestResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface GuestExecOptions {
  readonly input?: string;
  readonly timeoutMs?: number;
}

interface ExecStatus {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
}

/** What the product gives to commands, too (core/host/linux-processes.ts). */
const environment = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LANG=C.UTF-8'];

export class GuestAgent implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #signal: AbortSignal;

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  /** Waits until the agent answers. @throws Error when it does not in time, or the machine ends */
  static async connect(path: string, timeoutMs: number, signal: AbortSignal): Promise<GuestAgent> {
    const socket = createConnection(path);
    await once(socket, 'connect', { signal });
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    const agent = new GuestAgent(socket, signal);
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    try {
      // QEMU keeps the request until the agent in the machine opens its end.
      await agent.#call('guest-ping', {});
    } finally {
      clearTimeout(timer);
    }
    return agent;
  }

  /** Runs a command to its end; any exit code is an answer. @throws Error after `timeoutMs` (default 5 minutes) */
  async exec(argv: readonly string[], options: GuestExecOptions = {}): Promise<GuestResult> {
    const [path, ...arg] = argv;
    const { timeoutMs = 300_000 } = options;
    const end = performance.now() + timeoutMs;
    const { pid } = await this.#call<{ pid: number }>('guest-exec', {
      path,
      arg,
      env: environment,
      'capture-output': true,
      ...(options.input === undefined ? {} : { 'input-data': Buffer.from(options.input).toString('base64') }),
    });
    for (;;) {
      const status = await this.#call<ExecStatus>('guest-exec-status', { pid });
      if (status.exited) {
        return {
          code: status.exitcode ?? 128 + (status.signal ?? 0),
          stdout: decoded(status['out-data']),
          stderr: decoded(status['err-data']),
        };
      }
      if (performance.now() > end) throw new Error(`${argv.join(' ')}: no end in the machine after ${timeoutMs} ms`);
      await sleep(250, undefined, { signal: this.#signal });
    }
  }

  async #call<Answer>(execute: string, args: object): Promise<Answer> {
    this.#signal.throwIfAborted();
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the machine's guest agent did not answer ${execute}`);
    const answer = JSON.parse(line.value) as { return: Answer } | { error: { desc: string } };
    if ('error' in answer) throw new Error(`the machine's guest agent refused ${execute}: ${answer.error.desc}`);
    return answer.return;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

const decoded = (base64 = ''): string => Buffer.from(base64, 'base64').toString();
