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
 * | stages  | AsyncSeriesHook          | nothing                  | the others run; each error is reported      |
 * | collect | AsyncParallelHook        | a result                 | the others run; each error is reported      |
 * | first   | AsyncSeriesBailHook      | an answer or undefined   | as if it had returned undefined             |
 * | fold    | AsyncSeriesWaterfallHook | the changed value        | the value stays as it was before that tap   |
 *
 * In `first` and `fold` an error of a built-in plugin fails the whole call, as in `strict`.
 * @module
 */
import { AsyncParallelHook, AsyncSeriesBailHook, AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncHook } from 'tapable';
import { errorText } from '../error/error.ts';
import { copyPlain } from '../model/copy-plain.ts';
import { type HookContext, TapGuard, type TappingPlugin } from './tap-guard.ts';

export interface TapOptions {
  /** Lower stages run first; 0 unless said. */
  readonly stage?: number;
  /** Run before this plugin's tap. */
  readonly before?: string;
}

/** Says what is wrong with something that a plugin gave, in a few words; undefined when nothing is. */
export type Problem = (value: unknown) => string | undefined;

const tapInfo = (
  plugin: TappingPlugin,
  options: TapOptions = {},
): { name: string; stage: number; before?: string } => ({
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

/** What the items of a list must be. */
export interface ItemRules<T> {
  /** An item with a problem is left out, as a trouble of its plugin. */
  readonly problem?: Problem;
  /** Two items may not share this; the first one stays. */
  readonly key?: (item: T) => string;
}

export class ListHook<T> implements HookInfo {
  readonly policy = 'list';
  readonly name: string;
  readonly #context: HookContext;
  readonly #rules: ItemRules<T>;
  readonly #hook = new SyncHook<[{ plugin: TappingPlugin; item: T }[]]>(['into']);

  constructor(name: string, context: HookContext, rules: ItemRules<T> = {}) {
    this.name = name;
    this.#context = context;
    this.#rules = rules;
  }

  tap(plugin: TappingPlugin, give: () => readonly T[], options?: TapOptions): void {
    this.#hook.tap(tapInfo(plugin, options), (into) => {
      try {
        // All or nothing: what was given before an error is not half a plugin.
        into.push(...Array.from(give(), (item) => ({ plugin, item })));
      } catch (error) {
        this.#fail(plugin, errorText(error), error);
      }
    });
  }

  /** What the plugins give. @throws Error of a built-in plugin */
  items(): { plugin: TappingPlugin; item: T }[] {
    const given: { plugin: TappingPlugin; item: T }[] = [];
    this.#hook.call(given);
    const { problem, key } = this.#rules;
    const owners = new Map<string, string>();
    return given.filter(({ plugin, item }) => {
      let wrong = problem?.(item);
      if (wrong === undefined && key !== undefined) {
        const owner = owners.get(key(item));
        if (owner === undefined) owners.set(key(item), plugin.name);
        else wrong = `${key(item)}, which ${owner} has already`;
      }
      if (wrong !== undefined) this.#fail(plugin, `gave ${wrong}`);
      return wrong === undefined;
    });
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }

  #fail(plugin: TappingPlugin, message: string, cause?: unknown): void {
    if (plugin.builtin) throw new Error(`plugin ${plugin.name}, hook ${this.name}: ${message}`, { cause });
    this.#context.trouble({ plugin: plugin.name, where: `hook ${this.name}`, message });
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
    const guard = new TapGuard(this.#context, this.name, this.#deadlineMs, plugin);
    this.#hook.tapPromise(tapInfo(plugin, options), async (argument) => {
      await guard.run(true, () => run(argument));
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

/** Duties that are taken in the order of stages, or left in the reverse one: what one of them cannot do keeps nobody from the others. */
export class StageHook<A> implements HookInfo {
  readonly policy = 'stages';
  readonly name: string;
  readonly #context: HookContext;
  readonly #deadlineMs: number;
  readonly #reverse: boolean;
  readonly #guards: TapGuard[] = [];
  readonly #hook = new AsyncSeriesHook<[{ argument: A; failed: Set<string> }]>(['call']);

  constructor(name: string, context: HookContext, deadlineMs: number, order: 'ascending' | 'reverse') {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
    this.#reverse = order === 'reverse';
  }

  tap(plugin: TappingPlugin, run: (argument: A) => void | Promise<void>, options: TapOptions = {}): void {
    const guard = new TapGuard(this.#context, this.name, this.#deadlineMs, plugin);
    this.#guards.push(guard);
    const stage = (options.stage ?? 0) * (this.#reverse ? -1 : 1);
    this.#hook.tapPromise(tapInfo(plugin, { ...options, stage }), async ({ argument, failed }) => {
      const done = await guard.run(false, () => run(argument));
      if (done === undefined && plugin.builtin) failed.add(plugin.name);
    });
  }

  /** @returns names of the built-in plugins whose taps failed */
  async call(argument: A): Promise<string[]> {
    const failed = new Set<string>();
    await this.#hook.promise({ argument, failed });
    return [...failed];
  }

  /** The duties are left: taps that could not take theirs, or cannot yet, are no trouble any more. */
  over(): void {
    for (const guard of this.#guards) guard.over();
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
  readonly #problem: Problem | undefined;
  readonly #guards: TapGuard[] = [];
  readonly #hook = new AsyncParallelHook<[{ argument: A; into: Map<object, { plugin: string; result: R }> }]>(['call']);

  constructor(name: string, context: HookContext, deadlineMs: number, problem?: Problem) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
    this.#problem = problem;
  }

  tap(plugin: TappingPlugin, run: (argument: A) => R | Promise<R>, options?: TapOptions): void {
    const guard = new TapGuard(this.#context, this.name, this.#deadlineMs, plugin);
    this.#guards.push(guard);
    this.#hook.tapPromise(tapInfo(plugin, options), async ({ argument, into }) => {
      // The place is taken now, so that results stand in the order of the taps and not of their ends.
      into.set(guard, { plugin: plugin.name, result: undefined as R });
      const outcome = await guard.run<R>(false, () => run(argument), this.#problem);
      if (outcome === undefined) into.delete(guard);
      else into.set(guard, { plugin: plugin.name, result: outcome.value });
    });
  }

  /** Runs all taps side by side; resolves with the results of those that returned in time. */
  async call(argument: A): Promise<{ plugin: string; result: R }[]> {
    const into = new Map<object, { plugin: string; result: R }>();
    await this.#hook.promise({ argument, into });
    return [...into.values()];
  }

  /** What it was called for is over, and may not come again: taps that failed, or fail yet, are no trouble any more. */
  over(): void {
    for (const guard of this.#guards) guard.over();
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
  readonly #problem: Problem | undefined;
  readonly #hook = new AsyncSeriesBailHook<[A], { plugin: string; answer: R }>(['argument']);

  constructor(name: string, context: HookContext, deadlineMs: number, problem?: Problem) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
    this.#problem = problem;
  }

  tap(plugin: TappingPlugin, run: (argument: A) => R | undefined | Promise<R | undefined>, options?: TapOptions): void {
    const guard = new TapGuard(this.#context, this.name, this.#deadlineMs, plugin);
    const problem: Problem = (value) => (value === undefined ? undefined : this.#problem?.(value));
    const ask = async (argument: A): Promise<{ plugin: string; answer: R } | undefined> => {
      const outcome = await guard.run<R | undefined>(true, () => run(argument), problem);
      return outcome?.value === undefined ? undefined : { plugin: plugin.name, answer: outcome.value };
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

/** What became of a value on its way through the taps. */
export interface Folded<V> {
  readonly value: V;
  /** Plugins whose change is missing from it, because their tap failed. */
  readonly without: readonly string[];
}

export class FoldHook<V, C = void> implements HookInfo {
  readonly policy = 'fold';
  readonly name: string;
  readonly #context: HookContext;
  readonly #deadlineMs: number;
  readonly #problem: Problem | undefined;
  readonly #hook = new AsyncSeriesWaterfallHook<[V, { about: C; without: string[] }]>(['value', 'call']);

  constructor(name: string, context: HookContext, deadlineMs: number, problem?: Problem) {
    this.name = name;
    this.#context = context;
    this.#deadlineMs = deadlineMs;
    this.#problem = problem;
  }

  tap(plugin: TappingPlugin, run: (value: V, about: C) => V | Promise<V>, options?: TapOptions): void {
    const guard = new TapGuard(this.#context, this.name, this.#deadlineMs, plugin);
    this.#hook.tapPromise(tapInfo(plugin, options), async (value, { about, without }) => {
      // Copies: what a failing tap has half changed must not go on to the next, nor what one of others changes later.
      const outcome = await guard.run(
        true,
        async () => {
          const result = await run(copyPlain(value), about);
          return plugin.builtin ? result : copyPlain(result);
        },
        (result) => (result === undefined ? 'nothing' : this.#problem?.(result)),
      );
      if (outcome !== undefined) return outcome.value;
      without.push(plugin.name);
      return value;
    });
  }

  /** Takes the value through every tap. @throws Error of the first built-in tap that failed */
  async call(value: V, about: C): Promise<Folded<V>> {
    const without: string[] = [];
    return { value: await this.#hook.promise(value, { about, without }), without };
  }

  tappedBy(): string[] {
    return this.#hook.taps.map((tap) => tap.name);
  }
}
