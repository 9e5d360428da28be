/**
 * What stands between PVC and one tap of a plugin: it ends the wait at the deadline, catches errors,
 * names the plugin, and tells when a trouble is over.
 * @module
 */
import { errorText } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { within } from '../host/within.ts';

export interface TappingPlugin {
  readonly name: string;
  readonly builtin: boolean;
}

/** Something that went wrong in a plugin; the daemon makes a fault of it. */
export interface Trouble {
  readonly plugin: string;
  readonly where: string;
  readonly message: string;
}

export interface HookContext {
  readonly clock: Clock;
  readonly trouble: (trouble: Trouble) => void;
  /** What was told by `trouble` with the same plugin and place works again. */
  readonly cured: (plugin: string, where: string) => void;
}

/** A third-party tap that missed its deadline is left out for this long, so that it does not slow down every call. */
const restMs = 60_000;

/** Third-party taps never have longer than this, so that none of them holds up the start of a node. */
const thirdPartyDeadlineMs = 10_000;

/** Also one of another realm, or of a library. */
const isPromise = <R>(given: R | Promise<R>): given is Promise<R> =>
  typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';

export class TapGuard {
  readonly #context: HookContext;
  readonly #hook: string;
  readonly #deadlineMs: number;
  readonly #plugin: TappingPlugin;
  #troubled = false;
  /** How often it was over. */
  #overs = 0;
  #restsUntilMs = -Infinity;

  constructor(context: HookContext, hook: string, deadlineMs: number, plugin: TappingPlugin) {
    this.#context = context;
    this.#hook = hook;
    this.#deadlineMs = plugin.builtin ? deadlineMs : Math.min(deadlineMs, thirdPartyDeadlineMs);
    this.#plugin = plugin;
  }

  /**
   * Runs the tap. Undefined: it failed, and that has been told.
   * @param problem what is wrong with what it returned, if anything
   * @throws Error of a built-in plugin's tap when `fatal`
   */
  async run<R>(
    fatal: boolean,
    tap: () => R | Promise<R>,
    problem?: (value: unknown) => string | undefined,
  ): Promise<{ readonly value: R } | undefined> {
    const { name, builtin } = this.#plugin;
    if (this.#context.clock.monotonicMs() < this.#restsUntilMs) return undefined;
    const overs = this.#overs;
    try {
      const given = tap();
      const value = isPromise(given)
        ? await within(this.#context.clock, this.#deadlineMs, given, () => this.#tooLate())
        : given;
      const wrong = problem?.(value);
      if (wrong !== undefined) throw new Error(`returned ${wrong}`);
      this.#forgive();
      return { value };
    } catch (error) {
      if (builtin && fatal) {
        throw new Error(`plugin ${name}, ${this.#where}: ${errorText(error)}`, { cause: error });
      }
      if (overs !== this.#overs) return undefined;
      this.#troubled = true;
      this.#context.trouble({ plugin: name, where: this.#where, message: errorText(error) });
      return undefined;
    }
  }

  /** What it was called for is over, and may not come again: what failed here is no trouble any more, nor what fails yet of it. */
  over(): void {
    this.#overs += 1;
    this.#forgive();
  }

  #forgive(): void {
    if (this.#troubled) this.#context.cured(this.#plugin.name, this.#where);
    this.#troubled = false;
  }

  get #where(): string {
    return `hook ${this.#hook}`;
  }

  /** A plugin of others is not waited for again for a while. */
  #tooLate(): Error {
    const late = `did not return within ${this.#deadlineMs / 1000} s`;
    if (this.#plugin.builtin) return new Error(late);
    this.#restsUntilMs = this.#context.clock.monotonicMs() + restMs;
    return new Error(`${late}; it is left out for ${restMs / 1000} s`);
  }
}
