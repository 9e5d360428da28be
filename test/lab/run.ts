/**
 * Runs the machine's own commands for the lab: argv arrays, no shell, an error that says what was run
 * and what it answered.
 * @module
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';

/** How a command ended; `code` is 128 + signal number when a signal ended it, as a shell has it. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Exit codes that are no error; default only 0. `any` never throws for a code. */
  readonly accept?: readonly number[] | 'any';
  /** What an error calls the command; default is argv. */
  readonly shownAs?: string;
}

/** A command that ended with a code that its caller does not accept. */
export class CommandFailed extends Error {
  readonly result: RunResult;

  constructor(command: string, result: RunResult, why = `ended with ${result.code}`) {
    const said = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-12).join('\n');
    super(`${command}: ${why}${said === '' ? '' : `\n${said}`}`);
    this.name = 'CommandFailed';
    this.result = result;
  }
}

/**
 * Runs argv to its end and collects what it prints.
 * @throws CommandFailed for a code outside `accept`, a time-out (default 120 s) or an abort
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs = 120_000, accept = [0] } = options;
  const [file = '', ...rest] = argv;
  const command = options.shownAs ?? argv.join(' ');
  options.signal?.throwIfAborted();
  const child = spawn(file, rest, {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Ctrl-C in the terminal is for us, to end what we run in our own way.
    detached: true,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A child that ends without reading its input breaks the pipe; its exit code tells enough.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');

  let why: string | undefined;
  const stop = (reason: string) => {
    why = reason;
    killGroup(child);
  };
  const timer = setTimeout(() => stop(`no end after ${timeoutMs} ms`), timeoutMs);
  const onAbort = () => stop('interrupted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const code = await ended(child);
    const result = { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
    if (why !== undefined) throw new CommandFailed(command, result, why);
    if (accept !== 'any' && !accept.includes(code)) throw new CommandFailed(command, result);
    return result;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', onAbort);
  }
}

/** Kills a child that leads a process group, and the group. */
export function killGroup(child: ChildProcess): void {
  // Once its end has been seen, the number may be another's.
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    process.kill(-child.pid, 'SIGKILL');
}

/** Resolves with the exit code once the output is complete, or 2 s after the exit when a child of the child still holds the pipes open. */
function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let late: NodeJS.Timeout | undefined;
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      late = setTimeout(() => {
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(exitCode(code, signal));
      }, 2_000);
    });
    child.on('close', (code, signal) => {
      clearTimeout(late);
      resolve(exitCode(code, signal));
    });
  });
}

const exitCode = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

/** Runs argv with this terminal as its own and resolves with its exit code. */
export async function runInTerminal(argv: readonly string[], stdio: StdioOptions = 'inherit'): Promise<number> {
  const [file = '', ...rest] = argv;
  const child = spawn(file, rest, { stdio });
  // Ctrl-C belongs to the command; we end when it does.
  const ignore = () => {};
  process.on('SIGINT', ignore);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(exitCode(code, signal)));
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}

/** Starts a process in a session of its own that lives on when we end, its output appended to `logFile`; the pid. */
export function startDetached(argv: readonly string[], logFile: string): Promise<number> {
  const [file = '', ...rest] = argv;
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(file, rest, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  closeSync(log);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('spawn', () => {
      child.unref();
      resolve(child.pid ?? 0);
    });
  });
}
