/**
 * A login at Ceph that stays, for questions. The command `ceph` logs in anew each time, which costs half a second of a
 * core; here a question costs some milliseconds. The session is a short cut and never the last word: what it does not
 * answer soon, or not at all, is asked by the command, which tells what is wrong.
 * @module
 */
import { type ExecResult, errorText, type Host, z } from '../../../core/plugin/api.ts';
import { sessionProgram } from './session-program.ts';
import { reachedNobody } from './unreached.ts';

/** Longer than a monitor takes that is well. After a node's end nobody shall wait for the monitor that was on it. */
const answerWithinMs = 2_000;
/** Of the first question: the interpreter starts, and has five seconds for logging in. */
const openWithinMs = 8_000;
/** Nobody asks any more: the interpreter's memory (50 MiB) is worth more than its next start. */
const idleMs = 30_000;
/** Then another takes its place, whatever has gathered in it. */
const oldMs = 10 * 60_000;
/** After a session that never answered, none is begun for this long. */
const restMs = 30_000;

const answer = z.object({ number: z.int(), code: z.int(), stdout: z.string(), stderr: z.string() });

export class CephSession {
  readonly #host: Pick<Host, 'processes' | 'clock' | 'log'>;
  readonly #signal: AbortSignal | undefined;
  #login: Login | undefined;
  #restUntilMs = 0;

  /** @param signal aborts when the daemon stops */
  constructor(host: Pick<Host, 'processes' | 'clock' | 'log'>, signal: AbortSignal | undefined) {
    this.#host = host;
    this.#signal = signal;
  }

  /**
   * What the command `ceph WORDS --format json` would answer; undefined when the session cannot tell.
   * A question only: it may be asked again by other means while this one is still on its way.
   * @param timeoutMs how long the caller has
   */
  async ask(words: readonly string[], timeoutMs: number): Promise<ExecResult | undefined> {
    const { clock, log } = this.#host;
    if (this.#login?.open !== true) {
      if (clock.monotonicMs() < this.#restUntilMs) return undefined;
      const login = new Login(this.#host, this.#signal);
      this.#login = login;
      login.ended.catch((error: unknown) => {
        if (this.#signal?.aborted) return;
        if (!login.everAnswered) this.#restUntilMs = clock.monotonicMs() + restMs;
        log.debug('a session at Ceph has ended', { reason: errorText(error) });
      });
    }
    return this.#login.ask(words, timeoutMs);
  }
}

interface Question {
  readonly number: number;
  readonly line: string;
  readonly tell: (result: ExecResult | undefined) => void;
}

/** One interpreter, from its start to its end. Questions do not wait for each other. */
class Login {
  /** Rejects with the reason. */
  readonly ended: Promise<never>;
  readonly #clock: Pick<Host['clock'], 'after'>;
  readonly #end = new AbortController();
  readonly #waiting: Question[] = [];
  readonly #asked = new Map<number, Question>();
  #count = 0;
  #printed = '';
  #wake: () => void = () => {};
  #cancelLimit: () => void = () => {};
  everAnswered = false;

  constructor({ processes, clock }: Pick<Host, 'processes' | 'clock'>, signal: AbortSignal | undefined) {
    this.#clock = clock;
    const running = processes.exec(['/usr/bin/python3', '-c', sessionProgram], {
      timeoutMs: oldMs,
      input: this.#lines(),
      takeOutput: async (piece) => this.#take(Buffer.from(piece).toString('utf8')),
      signal: signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]),
    });
    this.ended = running
      .then((result) => {
        // The monitors let nobody in: the command would wait as long to say the same.
        if (!this.everAnswered && reachedNobody(result)) this.#close(result);
        throw new Error(result.stderr.trim().split('\n').at(-1) || `exit code ${result.code}`);
      })
      .finally(() => this.#close());
    this.#limit(idleMs);
  }

  get open(): boolean {
    return !this.#end.signal.aborted;
  }

  ask(words: readonly string[], timeoutMs: number): Promise<ExecResult | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => resolve(undefined));
      const tell = (result: ExecResult | undefined): void => {
        cancel();
        resolve(result);
      };
      this.#count += 1;
      this.#waiting.push({ number: this.#count, line: `${JSON.stringify({ number: this.#count, words })}\n`, tell });
      this.#wake();
    });
  }

  async *#lines(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        const woken = Promise.withResolvers<void>();
        this.#wake = woken.resolve;
        await woken.promise;
        if (!this.open) return;
        continue;
      }
      // The first one counts that was not answered since.
      if (this.#asked.size === 0) this.#limit(this.everAnswered ? answerWithinMs : openWithinMs);
      this.#asked.set(next.number, next);
      yield Buffer.from(next.line);
    }
  }

  #take(text: string): void {
    if (!this.open) return;
    this.#printed += text;
    for (let end = this.#printed.indexOf('\n'); end >= 0; end = this.#printed.indexOf('\n')) {
      const line = this.#printed.slice(0, end);
      this.#printed = this.#printed.slice(end + 1);
      const told = answer.parse(JSON.parse(line));
      this.everAnswered = true;
      const { number, ...result } = told;
      this.#asked.get(number)?.tell({ ...result, signal: null });
      this.#asked.delete(number);
      this.#limit(this.#asked.size === 0 ? idleMs : answerWithinMs);
    }
  }

  /** How long from now on it may stay silent. */
  #limit(ms: number): void {
    this.#cancelLimit();
    this.#cancelLimit = this.#clock.after(ms, () => this.#close());
  }

  #close(result?: ExecResult): void {
    if (!this.open) return;
    this.#cancelLimit();
    this.#end.abort(new Error('it is idle, or Ceph does not answer it'));
    for (const { tell } of [...this.#asked.values(), ...this.#waiting]) tell(result);
    this.#wake();
  }
}
