/**
 * The commands `ceph`, `rbd` and their like: argument vectors in, checked values out, every call bounded. Ceph's own
 * configuration and keys are where its commands look for them (/etc/ceph), so none is ever in an argument.
 * @module
 */
import { type ExecResult, errorText, type Host, issueLines, type z } from '../../../core/plugin/api.ts';
import { cephError } from './errors.ts';
import { Gate } from './gate.ts';
import type { CephSession } from './session.ts';
import { connectSeconds } from './unreached.ts';

export interface CallOptions {
  /** All in all; 20 s unless said. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** For standard input: the place for secrets, and for long data, piece by piece as the command takes it. */
  readonly input?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Takes standard output piece by piece instead of the result; holds the command back until it resolves. */
  readonly takeOutput?: (piece: Uint8Array) => Promise<void>;
  /** Exit codes besides 0 that are no refusal. */
  readonly fine?: readonly number[];
  /** Hears what the command writes as it comes: for its progress. */
  readonly onOutput?: (text: string) => void;
}

export interface CephOptions {
  /** Aborts when the daemon stops. */
  readonly signal?: AbortSignal;
  /** Answers questions sooner than the command does. */
  readonly session?: CephSession | undefined;
  readonly gate?: Gate;
  /** See `patient`. */
  readonly patienceMs?: number;
}

export type AskOptions = Pick<CallOptions, 'timeoutMs' | 'signal'>;

/** ENOENT: how rbd ends when there is no such image, snapshot or pool. */
export const absentCode = 2;

/** `rbd` would wait for five minutes; `ceph` has an option of its own, and daemons shall wait. */
const environmentOf = (program: string): { env?: Record<string, string> } =>
  program === 'rbd' ? { env: { CEPH_ARGS: `--client-mount-timeout=${connectSeconds}` } } : {};
const usualTimeoutMs = 20_000;
const taskPatienceMs = 60_000;

/** Marks of a client that found no monitors (librados: "RADOS timed out", ceph: "error connecting to the cluster"). */
const awayMarks =
  /timed out|error connecting to the cluster|couldn't connect to the cluster|ObjectNotFound|error calling conf_read_file|unable to get monitor info|failed to fetch mon config/i;

const cephArgv = (args: readonly string[]): [string, ...string[]] => [
  ...(['ceph', '--connect-timeout', String(connectSeconds)] as const),
  ...args,
];

/** The line of a tool's complaint that says what is wrong: the last that is not blank, without the tool's own stamps. */
export function complaint({ stderr, code, signal }: Pick<ExecResult, 'stderr' | 'code' | 'signal'>): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.+-]+ [0-9a-f]+\s+-?\d+ /, '').trim())
    .filter((line) => line !== '');
  const last = lines.at(-1) ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
  // All that `ceph` says when its time for connecting is over.
  return last === 'timed out' ? `no monitor let anybody in within ${connectSeconds} s` : last;
}

export class CephCommand {
  readonly #host: Pick<Host, 'processes' | 'clock'>;
  readonly #gate: Gate;
  readonly #session: CephSession | undefined;
  readonly #patienceMs: number;

  constructor(host: Pick<Host, 'processes' | 'clock'>, { signal, session, gate, patienceMs = 0 }: CephOptions = {}) {
    this.#host = host;
    this.#gate = gate ?? new Gate(host, complaint, signal);
    this.#session = session;
    this.#patienceMs = patienceMs;
  }

  /**
   * The same commands for tasks and controllers: while Ceph is away they are not refused at once, but wait up to a minute
   * for its return. An election of monitors is no reason to undo what was begun.
   */
  patient(): CephCommand {
    return new CephCommand(this.#host, { gate: this.#gate, session: this.#session, patienceMs: taskPatienceMs });
  }

  /**
   * Runs one of Ceph's commands to its end.
   * @param what for messages: `the creation of the pool vms`
   * @throws PvcError CEPH_AWAY (no monitor answered in time: what was asked may or may not have been done), CEPH_REFUSED
   */
  async run(what: string, argv: readonly [string, ...string[]], options: CallOptions = {}): Promise<string> {
    return this.#outputOf(what, await this.attempt(argv, options), options.fine);
  }

  #outputOf(what: string, result: ExecResult, fine: readonly number[] = []): string {
    if (result.code === 0 || (result.code !== null && fine.includes(result.code))) return result.stdout;
    const reason = complaint(result);
    if (awayMarks.test(result.stderr)) throw cephError('CEPH_AWAY', { reason });
    throw cephError('CEPH_REFUSED', { what, reason });
  }

  /** As `run`, for callers to whom an exit code is an answer. @throws PvcError CEPH_AWAY, at once while that is known */
  attempt(argv: readonly [string, ...string[]], options: CallOptions = {}): Promise<ExecResult> {
    return this.#pass(argv[0], options, (timeoutMs) => this.#exec(argv, timeoutMs, options));
  }

  #pass(
    program: string,
    { timeoutMs = usualTimeoutMs, signal }: CallOptions,
    call: (timeoutMs: number) => Promise<ExecResult>,
  ): Promise<ExecResult> {
    return this.#gate.pass(program, { timeoutMs, signal, patienceMs: this.#patienceMs }, call);
  }

  #exec(argv: readonly [string, ...string[]], timeoutMs: number, options: CallOptions): Promise<ExecResult> {
    return this.#host.processes.exec(argv, {
      timeoutMs,
      ...environmentOf(argv[0]),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.input === undefined ? {} : { input: options.input }),
      ...(options.takeOutput === undefined ? {} : { takeOutput: options.takeOutput }),
      ...(options.onOutput === undefined ? {} : { onOutput: options.onOutput }),
    });
  }

  /** A command of the monitors or managers, for its effect. @throws PvcError CEPH_AWAY, CEPH_REFUSED */
  ceph(what: string, args: readonly string[], options: CallOptions = {}): Promise<string> {
    return this.run(what, cephArgv(args), options);
  }

  /** As `ceph`, for callers to whom an exit code is an answer. @throws PvcError CEPH_AWAY */
  async tryCeph(args: readonly string[], options: CallOptions = {}): Promise<ExecResult> {
    const result = await this.attempt(cephArgv(args), options);
    if (result.code !== 0 && awayMarks.test(result.stderr)) throw cephError('CEPH_AWAY', { reason: complaint(result) });
    return result;
  }

  /**
   * What Ceph tells, in the shape that is expected. A question that changes nothing; it may be asked twice.
   * @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE
   */
  async ask<T>(schema: z.ZodType<T>, args: readonly string[], options: AskOptions = {}): Promise<T> {
    const what = `ceph ${args.join(' ')}`;
    return parsed(schema, what, this.#outputOf(what, await this.#bySession(args, options)));
  }

  /**
   * A command for its effect that is in a hurry, and that may be done twice: by the session, and by the command where that
   * does not answer. A session that has not answered is closed before.
   * @throws PvcError CEPH_AWAY (it may or may not have been done), CEPH_REFUSED
   */
  async orderSoon(what: string, args: readonly string[], options: AskOptions = {}): Promise<void> {
    this.#outputOf(what, await this.#bySession(args, options));
  }

  #bySession(args: readonly string[], options: AskOptions): Promise<ExecResult> {
    const argv = cephArgv([...args, '--format', 'json']);
    return this.#pass('ceph', options, async (timeoutMs) => {
      const untilMs = this.#host.clock.monotonicMs() + timeoutMs;
      const told = await this.#session?.ask(args, timeoutMs);
      return told ?? this.#exec(argv, Math.max(1, Math.ceil(untilMs - this.#host.clock.monotonicMs())), options);
    });
  }

  /** A command on RBD images, for its effect. @throws PvcError CEPH_AWAY, CEPH_REFUSED */
  rbd(what: string, args: readonly string[], options: CallOptions = {}): Promise<string> {
    return this.run(what, ['rbd', ...args], options);
  }

  /** What `rbd` tells. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
  async askRbd<T>(schema: z.ZodType<T>, args: readonly string[], options: CallOptions = {}): Promise<T> {
    const what = `rbd ${args.join(' ')}`;
    return parsed(schema, what, await this.run(what, ['rbd', ...args, '--format', 'json'], options));
  }

  /** As `askRbd`; undefined where there is no such image. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
  async askRbdOrAbsent<T>(
    schema: z.ZodType<T>,
    args: readonly string[],
    options: CallOptions = {},
  ): Promise<T | undefined> {
    const what = `rbd ${args.join(' ')}`;
    const result = await this.attempt(['rbd', ...args, '--format', 'json'], options);
    return result.code === absentCode ? undefined : parsed(schema, what, this.#outputOf(what, result));
  }
}

/** What a command printed as JSON, in the shape that is expected. @param what the command @throws PvcError CEPH_STRANGE */
export function parsed<T>(schema: z.ZodType<T>, what: string, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw cephError('CEPH_STRANGE', { what, reason: errorText(error) }, { cause: error });
  }
  const result = schema.safeParse(value);
  if (!result.success) throw cephError('CEPH_STRANGE', { what, reason: issueLines(result.error).join('; ') });
  return result.data;
}
