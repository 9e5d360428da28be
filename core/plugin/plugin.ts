/** A plugin, and what it is given. @module */
import { defineErrors, errorText } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import {
  type CollectHook,
  type FirstHook,
  FoldHook,
  type HookInfo,
  type ListHook,
  type Problem,
  type StageHook,
  type StrictHook,
  type TapOptions,
} from './hook-point.ts';
import { createHooks, type Hooks } from './hooks.ts';
import type { PowerDriver } from './power.ts';
import type { HookContext, TappingPlugin, Trouble } from './tap-guard.ts';

/** Version of all that `core/plugin/api.ts` exports and of the hooks' contracts (semver): what is added raises the minor one. */
export const pluginApiVersion = '1.4.0';

/** A hook as a plugin sees it: it can be tapped, not called. */
type Tappable<H> =
  H extends ListHook<infer T>
    ? { tap(give: () => readonly T[], options?: TapOptions): void }
    : H extends StrictHook<infer A> | StageHook<infer A>
      ? { tap(run: (argument: A) => void | Promise<void>, options?: TapOptions): void }
      : H extends CollectHook<infer A, infer R>
        ? { tap(run: (argument: A) => R | Promise<R>, options?: TapOptions): void }
        : H extends FirstHook<infer A, infer R>
          ? { tap(run: (argument: A) => R | undefined | Promise<R | undefined>, options?: TapOptions): void }
          : H extends FoldHook<infer V, infer C>
            ? { tap(run: (value: V, about: C) => V | Promise<V>, options?: TapOptions): void }
            : never;

export type TappableHooks = { readonly [K in keyof Hooks]: Tappable<Hooks[K]> };

/**
 * Hooks that plugins own, by name. A plugin that offers one adds it here by declaration merging:
 * `declare module '…/plugin.ts' { interface PluginHooks { 'libvirt.domain': … } }`.
 */
export interface PluginHooks {}

/** What `apply` gets. Everything it does here is cheap: it runs in every `pvc` process. */
export interface PluginContext {
  readonly hooks: TappableHooks;
  /** Offers a hook to other plugins; the owner calls it. `problem` says what is wrong with a value that a tap returned. */
  offer<V, C>(name: string, deadlineMs: number, problem?: Problem): FoldHook<V, C>;
  /** Taps a hook that another plugin offers, whichever of them is loaded first. */
  on<N extends keyof PluginHooks & string>(name: N, run: PluginHooks[N], options?: TapOptions): void;
  on(name: string, run: (value: never, about: never) => unknown, options?: TapOptions): void;
  /** What speaks with BMCs, of all plugins. Not before all of them are loaded. */
  powerDrivers(): readonly PowerDriver[];
  /** All functions of the plugin API, for plugins that are loaded from disk and cannot import it. */
  readonly api: typeof import('./api.ts');
}

export interface PluginDefinition {
  /** Lower case, unique; also the name of its section in pvc.yaml. */
  readonly name: string;
  /** Range of plugin API versions that it was written for: `^1`. */
  readonly api: string;
  readonly version?: string;
  readonly summary?: string;
  /** Taps hooks; synchronous, without effects outside. */
  apply(pvc: PluginContext): void;
}

export interface LoadedPlugin extends TappingPlugin {
  readonly version: string;
  readonly summary: string;
  /** Where it came from; undefined for built-in ones. */
  readonly path: string | undefined;
  readonly state: 'loaded' | 'failed';
  readonly message: string;
}

export const pluginError = defineErrors({
  PLUGIN_FAILED: {
    message: 'The plugin {plugin} failed: {reason}',
    hint: 'See `pvc plugin show {plugin}`; take it out of plugins.load to run without it.',
    http: 500,
    exit: 'failed',
  },
  PLUGIN_UNKNOWN: {
    message: 'There is no plugin {plugin} on this node.',
    hint: 'See `pvc plugin list`.',
    http: 404,
    exit: 'notFound',
  },
});

export interface TroubleListener {
  began(trouble: Trouble): void;
  /** What was wrong works again. */
  ended(trouble: Trouble): void;
}

/** The plugins of this process and their hooks. */
export class Plugins {
  readonly hooks: Hooks;
  readonly troubles: Trouble[] = [];
  readonly #loaded: LoadedPlugin[] = [];
  readonly #context: HookContext;
  readonly #offered = new Map<string, FoldHook<unknown, unknown>>();
  readonly #waiting: {
    readonly plugin: TappingPlugin;
    readonly name: string;
    readonly run: (value: never, about: never) => unknown;
    readonly options: TapOptions | undefined;
  }[] = [];
  #listener: TroubleListener | undefined;

  constructor(clock: Clock) {
    this.#context = {
      clock,
      trouble: (trouble) => this.trouble(trouble),
      cured: (plugin, where) => this.#cured(plugin, where),
    };
    this.hooks = createHooks(this.#context);
  }

  get loaded(): readonly LoadedPlugin[] {
    return this.#loaded;
  }

  /** Told of each trouble from now on, of those that were before, and of their ends. */
  onTrouble(listener: TroubleListener): void {
    this.#listener = listener;
    for (const trouble of this.troubles) listener.began(trouble);
  }

  trouble(trouble: Trouble): void {
    const same = this.troubles.findIndex((known) => known.plugin === trouble.plugin && known.where === trouble.where);
    if (same === -1) this.troubles.push(trouble);
    else this.troubles[same] = trouble;
    this.#listener?.began(trouble);
  }

  #cured(plugin: string, where: string): void {
    const at = this.troubles.findIndex((known) => known.plugin === plugin && known.where === where);
    if (at !== -1) this.#listener?.ended(...(this.troubles.splice(at, 1) as [Trouble]));
  }

  /**
   * The third-party plugin whose own code alone threw the error that nobody caught (in a timer, say, or
   * in a promise that it did not wait for): the daemon itself is whole then.
   */
  blame(error: unknown): LoadedPlugin | undefined {
    const frames = ((error instanceof Error ? error.stack : undefined) ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line) && !line.includes('node:') && !line.includes('<anonymous>'));
    return frames.length === 0
      ? undefined
      : this.#loaded.find(
          ({ path }) =>
            path !== undefined && frames.every((line) => line.includes(`${path}:`) || line.includes(`${path}/`)),
        );
  }

  /** Applies a plugin. A built-in's error is thrown; another's is kept as a trouble. */
  add(
    definition: PluginDefinition,
    from: { builtin: boolean; path?: string; version: string; api: typeof import('./api.ts') },
  ): void {
    const plugin: TappingPlugin = { name: definition.name, builtin: from.builtin };
    const record = (state: LoadedPlugin['state'], message: string): void => {
      this.#loaded.push({
        ...plugin,
        version: from.version,
        summary: definition.summary ?? '',
        path: from.path,
        state,
        message,
      });
    };
    if (this.#loaded.some((known) => known.name === definition.name)) {
      const message = `there is already a plugin named ${definition.name}`;
      if (from.builtin) throw pluginError('PLUGIN_FAILED', { plugin: definition.name, reason: message });
      this.trouble({ plugin: definition.name, where: `load ${from.path ?? ''}`, message });
      return;
    }
    const taps: (() => void)[] = [];
    try {
      const returned: unknown = definition.apply(this.#contextFor(plugin, from.api, taps));
      if (returned instanceof Promise) {
        returned.catch((error: unknown) =>
          this.trouble({ plugin: plugin.name, where: 'apply', message: errorText(error) }),
        );
        throw new Error('apply must not be asynchronous; work belongs into the hook start');
      }
      // Only now: a plugin that fails half-way contributes nothing.
      for (const tap of taps.splice(0)) tap();
      record('loaded', '');
    } catch (error) {
      if (from.builtin) throw error;
      const message = errorText(error);
      record('failed', message);
      this.trouble({ plugin: plugin.name, where: 'apply', message });
    }
  }

  /** A plugin that could not even be read. */
  failed(name: string, path: string, message: string): void {
    this.#loaded.push({ name, builtin: false, version: '', summary: '', path, state: 'failed', message });
    this.trouble({ plugin: name, where: 'load', message });
  }

  /** Ends the loading: brings taps to the hooks that plugins offer; those that nobody offers are troubles. */
  settle(): void {
    for (const { plugin, name, run, options } of this.#waiting.splice(0)) {
      const hook = this.#offered.get(name);
      if (hook !== undefined) hook.tap(plugin, run as (value: unknown, about: unknown) => unknown, options);
      else
        this.trouble({
          plugin: plugin.name,
          where: `hook ${name}`,
          message: `no loaded plugin offers the hook ${name}`,
        });
    }
  }

  /** Hooks that a plugin taps, for `plugin show`. */
  tappedBy(plugin: string): string[] {
    const all: HookInfo[] = [...Object.values(this.hooks), ...this.#offered.values()];
    return all.filter((hook) => hook.tappedBy().includes(plugin)).map((hook) => hook.name);
  }

  /** Taps are collected in `taps` while the plugin is applied. */
  #contextFor(plugin: TappingPlugin, api: typeof import('./api.ts'), taps: (() => void)[]): PluginContext {
    const bound = Object.fromEntries(
      Object.entries(this.hooks).map(([name, hook]) => [
        name,
        {
          tap: (run: unknown, options?: TapOptions) => {
            if (typeof run !== 'function') throw new Error(`hook ${name} is tapped with something that is no function`);
            const target = hook as { tap(plugin: TappingPlugin, run: unknown, options?: TapOptions): void };
            taps.push(() => target.tap(plugin, run, options));
          },
        },
      ]),
    ) as unknown as TappableHooks;
    return {
      hooks: Object.freeze(bound),
      api,
      powerDrivers: () => this.hooks.power.items().map(({ item }) => item),
      offer: <V, C>(name: string, deadlineMs: number, problem?: Problem): FoldHook<V, C> => {
        if (this.#offered.has(name)) throw new Error(`hook ${name} is offered twice`);
        const hook = new FoldHook<V, C>(name, this.#context, deadlineMs, problem);
        this.#offered.set(name, hook as unknown as FoldHook<unknown, unknown>);
        return hook;
      },
      on: (name: string, run: (value: never, about: never) => unknown, options?: TapOptions): void => {
        if (typeof run !== 'function') throw new Error(`hook ${name} is tapped with something that is no function`);
        taps.push(() => this.#waiting.push({ plugin, name, run, options }));
      },
    };
  }
}
