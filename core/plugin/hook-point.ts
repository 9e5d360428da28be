/**
 * Points where plugins join in. Each is a tapable hook behind a policy that says what an error in one
 * tap does to the others; every tap runs under its plugin's name, with a deadline and with its errors
 * caught. A built-in plugin's error is the daemon's own; a third-party plugin's error becomes a fault
 * and the node works on.
 *
 * | policy  | tapable class            | a tap returns            | an error in one tap                         |
 * |---------|--------------------------|--------------------------|---------------------------------------------|
 * | list    | SyncHook                 | items, collected in order| its items are left out                      |
 * | strict  | AsyncSeriesHook          | nothing                  | built-in: stops and fails; other: next tap  |
 * | collect | AsyncParallelHook        | a result                 | the others run; each error is reported      |
 * | first   | AsyncSeriesBailHook      | an answer or undefined   | as if it had returned undefined             |
 * | fold    | AsyncSeriesWaterfallHook | the changed value        | the value stays as it was before that tap   |
 * @module
 */
import { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook } from 'tapable';
import { errorText } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';

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
}

export interface TapOptions {
  /** Lower stages run first; 0 unless said. */
  readonly stage?: number;
  /** Run before this plugin's tap. */
  readonly before?: string;
}

const never = Symbol('nothing');
type Guarded<R> = { readonly value: R; readonly plugin: string } | typeof never;

/** Runs one tap: names the plugin in the error, ends the wait at the deadline. A built-in's error is thrown when `fatal`. */
async function guarded<R>(context: HookContext, hook: string, deadlineMs: number, plugin: TappingPlugin, fatal: boolean, run: () => R | Promise<R>): Promise<Guarded<R>> {
  const done = new AbortController();
  try {
    const late = context.clock.sleep(deadlineMs, done.signal).then(() => {
      throw new Error(`did not return within ${deadlineMs / 1000} s`);
    });
    late.catch(() => undefined);
    const value = await Promise.race([Promise.resolve().then(run), late]);
    return { value, plugin: plugin.name };
  } catch (error) {
    if (plugin.builtin && fatal) throw new Error(`plugin ${plugin.name}, hook ${hook}: ${errorText(error)}`, { cause: error });
    context.trouble({ plugin: plugin.name, where: `hook ${hook}`, message: errorText(error) });
    return never;
  } finally {
    done.abort();
  }
}

const tapInfo = (plugin: TappingPlugin, options: TapOptions = {}): { name: string; stage: number; before?: string } => ({
  name: plugin.name,
  stage: options.stage ?? 0,
  ...(options.before === undefined ? {} : { before: options.before }),
});

/** What every hook shows of itself: who taps it. */
export interface HookInfo {
  readonly name: string;
  readonly policy: string;
  tappedBy(): string[];
}

export class ListHook<T> implements HookInfo {
  readonly policy = 'list';
  readonly name: string;
  readonly #context: HookContext;
  readonly #hook = new SyncHook<[{ plugin: TappingPlugin; item: T }[]]>(['into']);

  constructor(name: string, context: HookContext) {
    this.name = name;
    this.#context = context;
  }

  tap(plugin: TappingPlugin, give: () => readonly T[], options?: TapOptions): void {
    this.#hook.tap(tapInfo(plugin, options), (into) => {
      try {
        for (const item of give()) into.push({ plugin, item });
      } catch (error) {
        if (plugin.builtin) throw error;
        this.#context.trouble({ plugin: plugin.name, where: `hook ${this.name}`, message: errorText(error) });
      }
    });
  }

  items(): { plugin: TappingPlugin; item: T }[] {
    const into: { plugin: TappingPlugin; item: T }[] = [];
    this.#hook.call(into);
    return into;
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }
}

export class StrictHook<A> implements HookInfo {
  readonly policy = 'strict';
  readonly name: string;
  readonly #context: HookContext;
  readonly #deadlineMs: number;
  readonly #hook = new AsyncSeriesHook<[A]>(['argument']);

  constructor(name: string, context: HookContext, deadlineMs: number) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
  }

  tap(plugin: TappingPlugin, run: (argument: A) => void | Promise<void>, options?: TapOptions): void {
    this.#hook.tapPromise(tapInfo(plugin, options), async (argument) => {
      await guarded(this.#context, this.name, this.#deadlineMs, plugin, true, () => run(argument));
    });
  }

  /** @throws Error of the first built-in tap that failed; the taps after it did not run. */
  call(argument: A): Promise<void> {
    return this.#hook.promise(argument);
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }
}

export class CollectHook<A, R = void> implements HookInfo {
  readonly policy = 'collect';
  readonly name: string;
  readonly #context: HookContext;
  readonly #deadlineMs: number;
  readonly #hook = new AsyncParallelHook<[{ argument: A; into: { plugin: string; result: R }[] }]>(['call']);

  constructor(name: string, context: HookContext, deadlineMs: number) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
  }

  tap(plugin: TappingPlugin, run: (argument: A) => R | Promise<R>, options?: TapOptions): void {
    this.#hook.tapPromise(tapInfo(plugin, options), async ({ argument, into }) => {
      const outcome = await guarded<R>(this.#context, this.name, this.#deadlineMs, plugin, false, () => run(argument));
      if (outcome !== never) into.push({ plugin: outcome.plugin, result: outcome.value });
    });
  }

  /** Runs all taps side by side; resolves with the results of those that returned in time. */
  async call(argument: A): Promise<{ plugin: string; result: R }[]> {
    const into: { plugin: string; result: R }[] = [];
    await this.#hook.promise({ argument, into });
    return into;
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }
}

export class FirstHook<A, R> implements HookInfo {
  readonly policy = 'first';
  readonly name: string;
  readonly #context: HookContext;
  readonly #deadlineMs: number;
  readonly #hook = new AsyncSeriesBailHook<[A], { plugin: string; answer: R }>(['argument']);

  constructor(name: string, context: HookContext, deadlineMs: number) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
  }

  tap(plugin: TappingPlugin, run: (argument: A) => R | undefined | Promise<R | undefined>, options?: TapOptions): void {
    const ask = async (argument: A): Promise<{ plugin: string; answer: R } | undefined> => {
      const outcome = await guarded<R | undefined>(this.#context, this.name, this.#deadlineMs, plugin, true, () => run(argument));
      return outcome === never || outcome.value === undefined ? undefined : { plugin: plugin.name, answer: outcome.value };
    };
    // tapable's types know only taps that always answer; its bail hooks go on at undefined.
    this.#hook.tapPromise(tapInfo(plugin, options), ask as (argument: A) => Promise<{ plugin: string; answer: R }>);
  }

  call(argument: A): Promise<{ plugin: string; answer: R } | undefined> {
    return this.#hook.promise(argument);
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }
}

export class FoldHook<V, C = void> implements HookInfo {
  readonly policy = 'fold';
  readonly name: string;
  readonly #context: HookContext;
  readonly #deadlineMs: number;
  readonly #hook = new AsyncSeriesWaterfallHook<[V, C]>(['value', 'about']);

  constructor(name: string, context: HookContext, deadlineMs: number) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
  }

  tap(plugin: TappingPlugin, run: (value: V, about: C) => V | Promise<V>, options?: TapOptions): void {
    this.#hook.tapPromise(tapInfo(plugin, options), async (value, about) => {
      // A copy: what a failing tap has half changed must not go on to the next.
      const copy = structuredClone(value);
      const outcome = await guarded<V>(this.#context, this.name, this.#deadlineMs, plugin, true, () => run(copy, about));
      return outcome === never || outcome.value === undefined ? value : outcome.value;
    });
  }

  call(value: V, about: C): Promise<V> {
    return this.#hook.promise(value, about);
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }
}
