/**
 * Commands and services that a launcher starts (`serve.ts`), a small process beside this one. What streams (input made piece by piece, output
 * that is taken so or heard as it comes) this process starts itself: such commands are few, and long.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { basename } from 'node:path';
import { recalledError } from '../../error/error.ts';
import type { Clock } from '../clock.ts';
import { hostError } from '../errors.ts';
import type { DetachedOptions, ExecOptions, ExecResult, Processes } from '../host.ts';
import { systemReason } from '../system-error.ts';
import type { Answer, Request } from './messages.ts';
import { launcherWord } from './serve.ts';

/** The launcher ends a command at its time-out; one that does not even do that is ended itself. */
const graceMs = 5_000;

type Argv = readonly [string, ...string[]];

interface Pending {
  readonly command: string;
  readonly take: (answer: Answer) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * This program again, as `pvc __launcher`: the very file that runs, though another version may lie at its path by now (proc(5)).
 * @param program the file that Node runs; packed it is the executable itself
 */
export function startLauncher(program = process.argv[1] ?? process.execPath): ChildProcess {
  const words = program === process.execPath ? [] : [program];
  return spawn('/proc/self/exe', [...words, launcherWord], {
    argv0: basename(process.argv0),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    cwd: '/', // holds no mount busy
  });
}

class Launcher {
  readonly #begin: () => ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #child: ChildProcess | undefined;
  #lastId = 0;

  constructor(begin: () => ChildProcess) {
    this.#begin = begin;
  }

  /** Sends the first request of a command; its answers come to `pending`. @returns its id */
  begin(pending: Pending, request: (id: number) => Request): number {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#pending.set(id, pending);
    try {
      this.#child ??= this.#started();
      this.#hold();
      this.send(request(id));
    } catch (error) {
      this.#lose(error);
    }
    return id;
  }

  send(request: Request): void {
    const child = this.#child;
    child?.send(request, (error) => {
      if (error !== null) this.#lost(child, error);
    });
  }

  /** Nobody waits for that command any more. */
  forget(id: number): void {
    this.#pending.delete(id);
    this.#hold();
  }

  /** Ends it, for it does not answer: the next command starts another one. */
  replace(): void {
    this.#lose(new Error('it does not answer'));
  }

  #started(): ChildProcess {
    const child = this.#begin();
    child.on('message', (answer: Answer) => this.#pending.get(answer.id)?.take(answer));
    child.once('error', (error) => this.#lost(child, error));
    child.once('exit', (code, signal) => this.#lost(child, new Error(`ended with ${signal ?? code}`)));
    return child;
  }

  /** What an earlier one still tells of its end does not touch the one that took its place. */
  #lost(child: ChildProcess, error: unknown): void {
    if (this.#child === child) this.#lose(error);
  }

  /** What it had begun goes on without it, or ends: nobody can tell, so each is told as failed, and looked at anew. */
  #lose(error: unknown): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const { command, fail } of lost) {
      const reason = `the process that starts commands is lost: ${systemReason(error)}`;
      fail(hostError('EXEC_FAILED', { command, reason }, { cause: error }));
    }
  }

  /** It keeps this process from its end only while something is to come. */
  #hold(): void {
    const [child, channel] = [this.#child, this.#child?.channel];
    if (this.#pending.size > 0) {
      child?.ref();
      channel?.ref();
    } else {
      child?.unref();
      channel?.unref();
    }
  }
}

/** @param direct starts what streams, and tells of processes */
export function launchedProcesses(
  direct: Processes,
  clock: Clock,
  begin: () => ChildProcess = () => startLauncher(),
): Processes {
  const launcher = new Launcher(begin);

  async function exec(argv: Argv, options: ExecOptions): Promise<ExecResult> {
    const { timeoutMs, env, cwd, input, signal } = options;
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<ExecResult>();
    const stop = (reason: unknown): void => {
      launcher.send({ id, type: 'stop' });
      reject(reason);
    };
    const give = (make: () => string): void => {
      try {
        const madeNs = process.hrtime.bigint();
        launcher.send({ id, type: 'input', input: make(), madeNs });
      } catch (error) {
        stop(error);
      }
    };
    const id = launcher.begin(
      {
        command: argv[0],
        fail: reject,
        take(answer) {
          if (answer.type === 'ended') resolve(answer.result);
          if (answer.type === 'failed') reject(recalledError(answer.error));
          if (answer.type === 'runs' && typeof input === 'function') give(input);
        },
      },
      (own) => ({
        id: own,
        type: 'exec',
        argv,
        options: { timeoutMs, ...(env === undefined ? {} : { env }), ...(cwd === undefined ? {} : { cwd }) },
        input: typeof input === 'function' ? { later: true } : (input as string | Uint8Array | undefined),
      }),
    );
    const abort = (): void => stop(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const cancelGuard = clock.after(timeoutMs + graceMs, () => {
      reject(hostError('EXEC_TIMEOUT', { command: argv[0], seconds: (timeoutMs + graceMs) / 1000 }));
      launcher.replace();
    });
    try {
      return await promise;
    } finally {
      cancelGuard();
      signal?.removeEventListener('abort', abort);
      launcher.forget(id);
    }
  }

  async function detach(argv: Argv, options: DetachedOptions): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const id = launcher.begin(
      {
        command: argv[0],
        fail: reject,
        take(answer) {
          if (answer.type === 'detached') resolve(answer.pid);
          if (answer.type === 'failed') reject(recalledError(answer.error));
        },
      },
      (own) => ({ id: own, type: 'detach', argv, options }),
    );
    try {
      return await promise;
    } finally {
      launcher.forget(id);
    }
  }

  return {
    ...direct,
    exec: (argv, options) => (streams(options) ? direct.exec(argv, options) : exec(argv, options)),
    detach,
  };
}

const streams = ({ input, takeOutput, onOutput }: ExecOptions): boolean =>
  takeOutput !== undefined || onOutput !== undefined || (typeof input === 'object' && !(input instanceof Uint8Array));
