/** A plugin, and what it is given. @module */
import { defineErrors } from '../error/error.ts';
import type { Clock } from '../host/clock.ts';
import { type CollectHook, type FirstHook, FoldHook, type HookInfo, type ListHook, type StrictHook, type TapOptions, type TappingPlugin, type Trouble } from './hook-point.ts';
import { createHooks, type Hooks } from './hooks.ts';

/** Version of all that `core/plugin/api.ts` exports and of the hooks' contracts (semver). */
export const pluginApiVersion = '1.0.0';

/** A hook as a plugin sees it: it can be tapped, not called. */
type Tappable<H> =
  H extends ListHook<infer T>
    ? { tap(give: () => readonly T[], options?: TapOptions): void }
    : H extends StrictHook<infer A>
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
  /** Offers a hook to other plugins; the owner calls it. */
  offer<V, C>(name: string, deadlineMs: number): FoldHook<V, C>;
  /** Taps a hook that another plugin offers, whichever of them is loaded first. */
  on<N extends keyof PluginHooks & string>(name: N, run: PluginHooks[N], options?: TapOptions): void;
  on(name: string, run: (value: never, about: never) => unknown, options?: TapOptions): void;
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
  PLUGIN_FAILED: { message: 'The plugin {plugin} failed: {reason}', hint: 'See `pvc plugin show {plugin}`; take it out of plugins.load to run without it.', http: 500, exit: 'failed' },
  PLUGIN_UNKNOWN: { message: 'There is no plugin {plugin} on this node.', hint: 'See `pvc plugin list`.', http: 404, exit: 'notFound' },
});

/** The plugins of this process and their hooks. */
export class Plugins {
  readonly hooks: Hooks;
  readonly troubles: Trouble[] = [];
  readonly #loaded: LoadedPlugin[] = [];
  readonly #clock: Clock;
  readonly #offered = new Map<string, FoldHook<unknown, unknown>>();
  readonly #waiting: { readonly plugin: TappingPlugin; readonly name: string; readonly run: (value: never, about: never) => unknown; readonly options: TapOptions | undefined }[] = [];
  #listener: ((trouble: Trouble) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.hooks = createHooks({ clock, trouble: (trouble) => this.trouble(trouble) });
  }

  get loaded(): readonly LoadedPlugin[] {
    return this.#loaded;
  }

  /** Called at each trouble from now on, and for those that were before. */
  onTrouble(listener: (trouble: Trouble) => void): void {
    this.#listener = listener;
    for (const trouble of this.troubles) listener(trouble);
  }

  trouble(trouble: Trouble): void {
    const same = this.troubles.findIndex((known) => known.plugin === trouble.plugin && known.where === trouble.where);
    if (same === -1) this.troubles.push(trouble);
    else this.troubles[same] = trouble;
    this.#listener?.(trouble);
  }

  /** Applies a plugin. A built-in's error is thrown; another's is kept as a trouble. */
  add(definition: PluginDefinition, from: { builtin: boolean; path?: string; version: string; api: typeof import('./api.ts') }): void {
    const plugin: TappingPlugin = { name: definition.name, builtin: from.builtin };
    const record = (state: LoadedPlugin['state'], message: string): void => {
      this.#loaded.push({ ...plugin, version: from.version, summary: definition.summary ?? '', path: from.path, state, message });
    };
    if (this.#loaded.some((known) => known.name === definition.name)) {
      const message = `there is already a plugin named ${definition.name}`;
      if (from.builtin) throw pluginError('PLUGIN_FAILED', { plugin: definition.name, reason: message });
      this.trouble({ plugin: definition.name, where: `load ${from.path ?? ''}`, message });
      return;
    }
    try {
      definition.apply(this.#contextFor(plugin, from.api));
      record('loaded', '');
    } catch (error) {
      if (from.builtin) throw error;
      const message = error instanceof Error ? error.message : String(error);
      record('failed', message);
      this.trouble({ plugin: plugin.name, where: 'apply', message });
    }
  }

  /** A plugin that could not even be read. */
  failed(name: string, path: string, message: string): void {
    this.#loaded.push({ name, builtin: false, version: '', summary: '', path, state: 'failed', message });
    this.trouble({ plugin: name, where: 'load', message });
  }

  /** Ends the loading: taps of hooks that nobody offers are troubles. */
  settle(): void {
    for (const { plugin, name } of this.#waiting) this.trouble({ plugin: plugin.name, where: `hook ${name}`, message: `no loaded plugin offers the hook ${name}` });
  }

  /** Hooks that a plugin taps, for `plugin show`. */
  tappedBy(plugin: string): string[] {
    const all: HookInfo[] = [...Object.values(this.hooks), ...this.#offered.values()];
    return all.filter((hook) => hook.tappedBy().includes(plugin)).map((hook) => hook.name);
  }

  #contextFor(plugin: TappingPlugin, api: typeof import('./api.ts')): PluginContext {
    const bound = Object.fromEntries(
      Object.entries(this.hooks).map(([name, hook]) => [
        name,
        { tap: (run: never, options?: TapOptions) => (hook as { tap(plugin: TappingPlugin, run: never, options?: TapOptions): void }).tap(plugin, run, options) },
      ]),
    ) as unknown as TappableHooks;
    const plugins = this;
    return {
      hooks: Object.freeze(bound),
      api,
      offer<V, C>(name: string, deadlineMs: number): FoldHook<V, C> {
        return plugins.#offer<V, C>(name, deadlineMs);
      },
      on(name: string, run: (value: never, about: never) => unknown, options?: TapOptions): void {
        const hook = plugins.#offered.get(name);
        if (hook === undefined) plugins.#waiting.push({ plugin, name, run, options });
        else hook.tap(plugin, run as (value: unknown, about: unknown) => unknown, options);
      },
    };
  }

  #offer<V, C>(name: string, deadlineMs: number): FoldHook<V, C> {
    if (this.#offered.has(name)) throw new Error(`hook ${name} is offered twice`);
    const hook = new FoldHook<V, C>(name, { clock: this.#clock, trouble: (trouble) => this.trouble(trouble) }, deadlineMs);
    this.#offered.set(name, hook as unknown as FoldHook<unknown, unknown>);
    for (const wait of this.#waiting.splice(0)) {
      if (wait.name === name) hook.tap(wait.plugin, wait.run as unknown as (value: V, about: C) => V, wait.options);
      else this.#waiting.push(wait);
    }
    return hook;
  }
}
