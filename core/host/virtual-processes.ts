/** Commands by script instead of by the kernel, for tests and the simulator. @module */
import type { Clock } from './clock.ts';
import { hostError } from './errors.ts';
import type { DetachedOptions, ExecOptions, ExecResult, Processes } from './host.ts';

type Argv = readonly [string, ...string[]];

/** What a scripted command does. Missing parts are an exit code of 0, no output and no time. */
export interface ScriptedResult {
  readonly code?: number | null;
  readonly signal?: string | null;
  readonly stdout?: string;
  readonly stderr?: string;
  /** How long it takes on the clock; `Infinity` hangs until the time-out. */
  readonly tookMs?: number;
}

/** A prefix of the arguments (each equal to its text, or matching its expression), or a function of them. */
export type ArgvMatcher = readonly (string | RegExp)[] | ((argv: Argv) => boolean);

export interface ExecCall {
  readonly argv: Argv;
  readonly options: ExecOptions;
}

interface Rule {
  readonly matches: (argv: Argv) => boolean;
  readonly answer: (call: ExecCall) => ScriptedResult | Promise<ScriptedResult>;
}

interface FakeProcess {
  readonly argv: Argv;
  readonly startTicks: number;
  readonly env: Readonly<Record<string, string>>;
}

const matcherOf = (matcher: ArgvMatcher): ((argv: Argv) => boolean) =>
  typeof matcher === 'function'
    ? matcher
    : (argv) => matcher.every((want, at) => (typeof want === 'string' ? argv[at] === want : want.test(argv[at] ?? '')));

export class VirtualProcesses implements Processes {
  readonly #clock: Clock;
  readonly #rules: Rule[] = [];
  readonly #running = new Map<number, FakeProcess>();
  #nextPid = 1000;
  /** Every command that was run, in order. */
  readonly calls: ExecCall[] = [];
  /** Every signal that was sent, in order. */
  readonly signals: { readonly pid: number; readonly signal: string }[] = [];
  /** Called for each signal that reaches a process; the default is that the process ends. */
  onSignal: (pid: number, signal: string) => void = (pid) => this.end(pid);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What a command answers. The rule added last wins; a command without a rule is EXEC_NOT_FOUND. */
  on(matcher: ArgvMatcher, answer: ScriptedResult | Rule['answer']): void {
    this.#rules.unshift({
      matches: matcherOf(matcher),
      answer: typeof answer === 'function' ? answer : () => answer,
    });
  }

  /** Processes that were started by `detach` and have not ended. */
  get running(): ReadonlyMap<number, FakeProcess> {
    return this.#running;
  }

  /** Lets a detached process end. */
  end(pid: number): void {
    this.#running.delete(pid);
  }

  async exec(argv: Argv, options: ExecOptions): Promise<ExecResult> {
    options.signal?.throwIfAborted();
    const call = { argv, options };
    this.calls.push(call);
    const rule = this.#rules.find((candidate) => candidate.matches(argv));
    if (rule === undefined) throw hostError('EXEC_NOT_FOUND', { command: argv[0] });
    const result = await rule.answer(call);
    const tookMs = result.tookMs ?? 0;
    if (tookMs > 0) await this.#clock.sleep(Math.min(tookMs, options.timeoutMs), options.signal);
    if (tookMs > options.timeoutMs) {
      throw hostError('EXEC_TIMEOUT', { command: argv[0], seconds: options.timeoutMs / 1000 });
    }
    const { code = 0, signal = null, stdout = '', stderr = '' } = result;
    if (options.takeOutput === undefined) return { code, signal, stdout, stderr };
    await options.takeOutput(Buffer.from(stdout));
    return { code, signal, stdout: '', stderr };
  }

  async detach(argv: Argv, { env = {} }: DetachedOptions): Promise<number> {
    const pid = this.#nextPid++;
    this.#running.set(pid, { argv, startTicks: Math.floor(this.#clock.monotonicMs() / 10), env });
    return pid;
  }

  async startTicks(pid: number): Promise<number | undefined> {
    return this.#running.get(pid)?.startTicks;
  }

  async alive(pid: number, startTicks?: number): Promise<boolean> {
    const found = this.#running.get(pid);
    return found !== undefined && (startTicks === undefined || startTicks === found.startTicks);
  }

  kill(pid: number, signal: string): boolean {
    if (!this.#running.has(pid)) return false;
    this.signals.push({ pid, signal });
    this.onSignal(pid, signal);
    return true;
  }
}
