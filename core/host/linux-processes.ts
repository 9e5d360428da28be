/**
 * Commands and processes on Linux: argv only, a small fixed environment, an own process group for each
 * command so that a time-out takes its children along.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { access, open, readFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { PvcError } from '../error/error.ts';
import type { Clock } from './clock.ts';
import { hostError } from './errors.ts';
import type { DetachedOptions, ExecOptions, ExecResult, Processes } from './host.ts';
import { fileError, systemReason } from './system-error.ts';

/** What every command gets; the daemon's own environment may hold anything and is not passed on. */
const fixedEnvironment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/** Standard output and error together. More is a fault of the caller (it should read a file or a stream). */
const maxOutputBytes = 64 * 1024 * 1024;

/** How long the pipes may stay open, and quiet, after the command itself has ended. */
const quietMs = 200;

type Argv = readonly [string, ...string[]];

const environment = (extra: Readonly<Record<string, string>> | undefined): Record<string, string> => ({
  ...fixedEnvironment,
  ...extra,
});

async function spawnError(argv: Argv, cwd: string | undefined, error: unknown): Promise<PvcError> {
  const command = argv[0];
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
    return hostError('EXEC_FAILED', { command, reason: systemReason(error) }, { cause: error });
  }
  // The kernel says ENOENT for a missing working directory as well.
  const cwdThere =
    cwd === undefined ||
    (await access(cwd).then(
      () => true,
      () => false,
    ));
  return cwdThere
    ? hostError('EXEC_NOT_FOUND', { command }, { cause: error })
    : hostError('EXEC_FAILED', { command, reason: `its working directory ${cwd} does not exist` }, { cause: error });
}

/** SIGKILL to the whole group; the group may be gone already, which is what was wanted. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Starts a child; resolves once the kernel has it running, rejects with EXEC_NOT_FOUND or EXEC_FAILED. */
async function start(argv: Argv, cwd: string | undefined, begin: () => ChildProcess): Promise<ChildProcess> {
  try {
    const child = begin();
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return child;
  } catch (error) {
    throw await spawnError(argv, cwd, error);
  }
}

/** Until a stream takes more, or nothing at all any more. */
const flowing = (stream: Writable): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      stream.off('drain', over);
      stream.off('close', over);
      resolve();
    };
    stream.on('drain', over);
    stream.on('close', over);
  });

async function exec(clock: Clock, argv: Argv, options: ExecOptions): Promise<ExecResult> {
  options.signal?.throwIfAborted();
  const command = argv[0];
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let bytes = 0;
  let cancelQuiet = (): void => {};
  let fail: (error: unknown) => void = () => {};
  let ended: (result: ExecResult) => void = () => {};
  const result = new Promise<ExecResult>((resolve, reject) => {
    ended = resolve;
    fail = reject;
  });
  result.catch(() => {}); // awaited below; a failure before that must not count as unhandled

  let taken: Promise<void> = Promise.resolve();

  const give = async ({ stdout }: ChildProcess, take: NonNullable<ExecOptions['takeOutput']>): Promise<void> => {
    for await (const piece of stdout ?? []) await take(piece as Buffer);
  };
  const feed = async ({ stdin }: ChildProcess, input: ExecOptions['input']): Promise<void> => {
    // A command may end without reading its input (EPIPE); its exit code tells the story.
    stdin?.on('error', () => {});
    if (typeof input !== 'object' || input instanceof Uint8Array) {
      stdin?.end(typeof input === 'function' ? input() : input);
      return;
    }
    for await (const piece of input) {
      if (stdin?.writable !== true) return;
      if (!stdin.write(piece)) await flowing(stdin);
    }
    stdin?.end();
  };
  const collect = (child: ChildProcess, name: 'stdout' | 'stderr'): void => {
    child[name]?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxOutputBytes) {
        fail(hostError('EXEC_FAILED', { command, reason: `more than ${maxOutputBytes / 1024 / 1024} MiB of output` }));
      } else chunks[name].push(chunk);
      options.onOutput?.(chunk.toString('utf8'));
    });
  };

  const child = await start(argv, options.cwd, () => {
    const started = spawn(command, argv.slice(1), {
      env: environment(options.env),
      cwd: options.cwd,
      detached: true, // setsid: its pid is its process group, so the group can be killed
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    if (options.takeOutput === undefined) collect(started, 'stdout');
    else taken = give(started, options.takeOutput);
    collect(started, 'stderr');
    feed(started, options.input).catch(fail);
    taken.catch(fail);
    const done = (code: number | null, signal: string | null): void =>
      void taken.then(
        () =>
          ended({
            code,
            signal,
            stdout: Buffer.concat(chunks.stdout).toString('utf8'),
            stderr: Buffer.concat(chunks.stderr).toString('utf8'),
          }),
        fail,
      );
    started.once('close', done);
    // Output that is taken piece by piece has its end when it has been taken.
    if (options.takeOutput !== undefined) return started;
    started.once('exit', (code, signal) => {
      // A daemon left behind by the command may hold the pipes open for ever. What the command itself
      // wrote is in the pipes by now: wait until they are quiet, not until they close.
      const whenQuiet = (seen: number): void => {
        cancelQuiet = clock.after(quietMs, () => {
          setImmediate(() => (bytes === seen ? done(code, signal) : whenQuiet(bytes)));
        });
      };
      whenQuiet(bytes);
    });
    return started;
  });
  const stop = (reason: unknown): void => {
    killGroup(child);
    fail(reason);
  };
  const cancelTimeout = clock.after(options.timeoutMs, () =>
    stop(hostError('EXEC_TIMEOUT', { command, seconds: options.timeoutMs / 1000 })),
  );
  const abort = (): void => stop(options.signal?.reason);
  options.signal?.addEventListener('abort', abort, { once: true });
  if (options.signal?.aborted) abort();
  try {
    return await result;
  } catch (error) {
    killGroup(child);
    throw error;
  } finally {
    cancelTimeout();
    cancelQuiet();
    options.signal?.removeEventListener('abort', abort);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

async function detach(argv: Argv, options: DetachedOptions): Promise<number> {
  const log = await open(options.logFile, 'a', 0o600).catch((error: unknown) => {
    throw fileError('write', options.logFile, error);
  });
  try {
    const child = await start(argv, undefined, () =>
      spawn(argv[0], argv.slice(1), {
        env: environment(options.env),
        cwd: '/', // holds no mount busy
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      }),
    );
    child.unref();
    return child.pid as number;
  } finally {
    await log.close();
  }
}

/** State and start time from /proc/PID/stat, proc(5): fields 3 and 22; the name in field 2 may hold anything. */
async function readStat(pid: number): Promise<{ state: string; startTicks: number } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw fileError('read', `/proc/${pid}/stat`, error);
  }
}

/** Only one process at a time: 0 and negative numbers mean groups to the kernel, and 1 is init. */
function requirePid(pid: number): void {
  if (!Number.isInteger(pid) || pid <= 1) throw new RangeError(`not a process that may be signalled: ${pid}`);
}

/** Processes of this machine. A zombie counts as gone: it runs no code and holds no file. */
export function linuxProcesses(clock: Clock): Processes {
  const startTicks = async (pid: number): Promise<number | undefined> => {
    const stat = await readStat(pid);
    return stat === undefined || stat.state === 'Z' || stat.state === 'X' ? undefined : stat.startTicks;
  };
  return {
    exec: (argv, options) => exec(clock, argv, options),
    detach,
    startTicks,
    async alive(pid, ticks) {
      const found = await startTicks(pid);
      return found !== undefined && (ticks === undefined || ticks === found);
    },
    kill(pid, signal) {
      requirePid(pid);
      try {
        return process.kill(pid, signal);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
        throw hostError(
          'EXEC_FAILED',
          { command: `kill ${signal} ${pid}`, reason: systemReason(error) },
          { cause: error },
        );
      }
    },
  };
}
