/**
 * `pvc __launcher`: the launcher, a process that starts commands for the daemon and does nothing else. The kernel copies the page
 * tables of whoever forks: 1.6 ms for a process of 50 MB, 17 ms for one of 470 MB (measured), in which a daemon does nothing
 * else. So the one that forks is small. It knows nothing but what it is asked, and ends with the daemon.
 * @module
 */
import { PvcError } from '../../error/error.ts';
import { hostError } from '../errors.ts';
import { linuxClock } from '../linux-clock.ts';
import { linuxProcesses } from '../linux-processes.ts';
import { programArguments } from '../process.ts';
import type { Answer, Request } from './messages.ts';

export const launcherWord = '__launcher';

/**
 * What is told late is true at its moment: the time for which the kernel may keep an address, say. A launcher that stood still meanwhile must
 * not pass it on.
 */
const freshNs = 250_000_000n;

interface Running {
  readonly stop: AbortController;
  readonly takeInput: (text: string) => void;
  readonly refuseInput: (error: unknown) => void;
}

/** Serves the process that started this one, if that is what this one is for. @returns whether it is */
export function serveLauncher(): boolean {
  const { argv } = programArguments();
  if (argv.length !== 1 || argv[0] !== launcherWord || process.channel === undefined) return false;
  // Signals that end the daemon end it by the daemon: what runs is ended or left as the daemon says.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit());
  const processes = linuxProcesses(linuxClock);
  const running = new Map<number, Running>();
  const answer = (one: Answer): void => void (process.connected && process.send?.(one));

  async function exec(request: Extract<Request, { type: 'exec' }>): Promise<Answer> {
    const { id, argv: words, options, input } = request;
    const stop = new AbortController();
    const told = Promise.withResolvers<string>();
    told.promise.catch(() => {}); // a command may end before it asks
    running.set(id, { stop, takeInput: told.resolve, refuseInput: told.reject });
    async function* later(): AsyncGenerator<Uint8Array> {
      answer({ id, type: 'runs' });
      yield Buffer.from(await told.promise);
    }
    const given = input === undefined ? {} : { input: isLater(input) ? later() : input };
    try {
      return { id, type: 'ended', result: await processes.exec(words, { ...options, ...given, signal: stop.signal }) };
    } finally {
      running.delete(id);
      told.resolve('');
    }
  }

  async function detach({ id, argv: words, options }: Extract<Request, { type: 'detach' }>): Promise<Answer> {
    return { id, type: 'detached', pid: await processes.detach(words, options) };
  }

  function tellInput({ id, input, madeNs }: Extract<Request, { type: 'input' }>): void {
    const one = running.get(id);
    if (process.hrtime.bigint() - madeNs <= freshNs) one?.takeInput(input);
    else one?.refuseInput(hostError('EXEC_FAILED', { command: 'a command', reason: 'what it is told came too late' }));
  }

  const failed = (id: number, error: unknown): Answer => {
    if (!(error instanceof PvcError)) throw error;
    return { id, type: 'failed', error: { code: error.code, message: error.message, hint: error.hint } };
  };

  process.on('message', (request: Request) => {
    const { id, type } = request;
    if (type === 'stop') running.get(id)?.stop.abort(stopped);
    else if (type === 'input') tellInput(request);
    else
      void (type === 'exec' ? exec(request) : detach(request)).then(answer, (error: unknown) => {
        // Whoever stopped it waits for no answer.
        if (error !== stopped) answer(failed(id, error));
      });
  });
  return true;
}

const stopped = new Error('stopped');

const isLater = (input: NonNullable<Extract<Request, { type: 'exec' }>['input']>): input is { readonly later: true } =>
  typeof input === 'object' && 'later' in input;
