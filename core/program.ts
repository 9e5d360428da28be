/**
 * Puts a `pvc` process together: configuration, plugins, operations. The same for daemon and CLI.
 * @module
 */

import { clusterOperations } from './cluster/cluster-operations.ts';
import { faultOperations } from './cluster/fault-operations.ts';
import { fenceOperations } from './cluster/fence/fence-operations.ts';
import { fencingPolicyOperations } from './cluster/fence/policy-operations.ts';
import { isolationOperations } from './cluster/isolation/isolation-operations.ts';
import type { Liveness } from './cluster/isolation/liveness.ts';
import { type JoinParts, joinOperations } from './cluster/join-operations.ts';
import { readMembership, readSecret } from './cluster/membership.ts';
import { nodeOperations } from './cluster/node-operations.ts';
import { pluginOperations } from './cluster/plugin-operations.ts';
import { bmcOperations } from './cluster/power/bmc-operations.ts';
import { powerOperations } from './cluster/power/power-operations.ts';
import { removeNodeOperations } from './cluster/remove-node.ts';
import { taskOperations } from './cluster/task-operations.ts';
import { tlsFiles } from './cluster/tls-files.ts';
import { token } from './cluster/token-kind.ts';
import { tokenOperations } from './cluster/token-operations.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { errorText } from './error/error.ts';
import type { EventLog } from './event/event-log.ts';
import { eventOperations } from './event/event-operations.ts';
import { fault } from './fault/fault-kind.ts';
import type { Host } from './host/host.ts';
import { bmcSecret } from './model/bmc-kind.ts';
import { cluster } from './model/cluster-kind.ts';
import { cutOff } from './model/cut-off-kind.ts';
import { fence } from './model/fence-kind.ts';
import type { AnyKind } from './model/kind.ts';
import { node } from './model/node-kind.ts';
import { audit } from './operation/audit.ts';
import type { Operation } from './operation/operation.ts';
import { OperationRegistry } from './operation/registry.ts';
import * as api from './plugin/api.ts';
import { builtinPlugins } from './plugin/builtin.ts';
import { loadPlugins } from './plugin/load.ts';
import { type PluginDefinition, Plugins } from './plugin/plugin.ts';
import type { NodePower } from './plugin/power.ts';
import type { Documents } from './store/documents.ts';
import { task } from './task/task-kind.ts';

export interface Program {
  readonly version: string;
  readonly loaded: LoadedConfig;
  readonly plugins: Plugins;
  readonly registry: OperationRegistry;
  /** Set by whoever opens the store; operations on the cluster read from it. */
  documents: Documents | undefined;
  /** Set by the daemon; undefined elsewhere. */
  events: EventLog | undefined;
  /** Set by the daemon; undefined elsewhere. */
  power: NodePower | undefined;
  /** Set by the daemon; undefined elsewhere. */
  liveness: Liveness | undefined;
  /** Every kind of object that this process knows. */
  readonly kinds: readonly AnyKind[];
}

export interface AssembleOptions {
  readonly host: Pick<Host, 'clock' | 'files'>;
  readonly version: string;
  readonly configPath: string;
  /** The file was named by hand: it must exist. */
  readonly configRequired: boolean;
  /** Default: the built-in plugins of this program. A simulator gives them pretended components. */
  readonly builtins?: readonly PluginDefinition[];
}

/** @throws PvcError CONFIG_INVALID, CONFIG_MISSING */
export async function assemble(options: AssembleOptions): Promise<Program> {
  const { host, version } = options;
  const plugins = new Plugins(host.clock);
  // Twice: the first reading only tells which plugins there are, since their sections are not known before.
  const draft = await loadConfigLoosely(options);
  for (const definition of options.builtins ?? builtinPlugins) {
    if (!draft.disable.includes(definition.name)) plugins.add(definition, { builtin: true, version, api });
  }
  await loadPlugins(plugins, host.files, draft.load, api);
  plugins.settle();
  const sections = plugins.hooks.config.items().map(({ plugin, item }) => ({ plugin: plugin.name, schema: item }));
  // Sections of plugins that are switched off or failed to load are kept as they are, not refused. One that
  // failed before it said its name may own any of them.
  const failed = plugins.loaded.filter((one) => one.state === 'failed').map((one) => one.name);
  const known = new Set(sections.map((section) => section.plugin));
  const silent = [...draft.disable, ...failed, ...(failed.length > 0 ? draft.sections : [])].filter(
    (name) => !known.has(name),
  );
  const loaded = await loadConfig(
    host.files,
    options.configPath,
    [...sections, ...[...new Set(silent)].map((plugin) => ({ plugin, schema: api.z.unknown() }))],
    options.configRequired,
  );

  const registry = new OperationRegistry();
  const program: Program = {
    version,
    loaded,
    plugins,
    registry,
    documents: undefined,
    events: undefined,
    power: undefined,
    liveness: undefined,
    kinds: kindsOf(plugins),
  };
  const documents = (): Documents => {
    if (program.documents === undefined) throw new Error('the store is not open');
    return program.documents;
  };
  const own: Operation[] = [
    ...clusterOperations({
      version,
      documents,
      count: async (context) => (await plugins.hooks.counters.call(context)).map(({ result }) => result),
    }),
    ...nodeOperations(host.clock),
    ...fenceOperations,
    ...fencingPolicyOperations,
    ...isolationOperations(() => program.liveness),
    ...removeNodeOperations,
    ...bmcOperations(() => plugins.hooks.power.items().map(({ item }) => item)),
    ...powerOperations(() => program.power),
    ...joinOperations(joinParts(host, loaded.config)),
    ...faultOperations,
    ...taskOperations,
    ...tokenOperations,
    ...eventOperations(() => program.events),
    ...pluginOperations(plugins, registry),
  ];
  for (const operation of own) registry.add('core', operation);
  for (const { plugin, item } of plugins.hooks.operations.items()) {
    try {
      registry.add(plugin.name, item);
    } catch (error) {
      if (plugin.builtin) throw error;
      plugins.trouble({ plugin: plugin.name, where: `operation ${item?.name}`, message: errorText(error) });
    }
  }
  return program;
}

/** What a coordinator knows of the cluster besides the store: files below STATE. */
function joinParts(host: Pick<Host, 'files'>, config: LoadedConfig['config']): JoinParts {
  const { state } = config.directories;
  const tls = tlsFiles(config);
  return {
    port: config.api.port,
    async authority() {
      const [cert, key] = await Promise.all([host.files.readText(tls.ca), host.files.readText(tls.caKey)]);
      return cert === undefined || key === undefined ? undefined : { cert, key };
    },
    secret: () => readSecret(host, state),
    async servers() {
      const known = await readMembership(host, state);
      return known?.backend === 'zookeeper' ? known.servers : [];
    },
  };
}

/** First segments of keys that hold no objects. */
const reservedKeys = new Set(['claim', 'at', 'alive', 'primary', 'layout']);

/** Core's kinds and those of plugins; one that takes a name that is taken is left out, as a trouble of its plugin. */
function kindsOf(plugins: Plugins): AnyKind[] {
  const kinds: AnyKind[] = [cluster, node, bmcSecret, task, fault, fence, cutOff, token, audit];
  for (const { plugin, item } of plugins.hooks.kinds.items()) {
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(item.name) || reservedKeys.has(item.name)) {
      if (plugin.builtin) throw new Error(`kind ${item.name} cannot be named so`);
      plugins.trouble({
        plugin: plugin.name,
        where: `kind ${item.name}`,
        message: 'a kind is named with a-z, 0-9 and "-", and not like a key of the store',
      });
    } else if (!kinds.some((known) => known.name === item.name)) kinds.push(item);
    else if (plugin.builtin) throw new Error(`kind ${item.name} is declared twice`);
    else
      plugins.trouble({
        plugin: plugin.name,
        where: `kind ${item.name}`,
        message: `there is already a kind ${item.name}`,
      });
  }
  return kinds;
}

async function loadConfigLoosely(
  options: AssembleOptions,
): Promise<{ load: string[]; disable: string[]; sections: string[] }> {
  const { configSchema } = await import('./config/schema.ts');
  const { parse } = await import('yaml');
  const text = await options.host.files.readText(options.configPath);
  let raw: unknown;
  try {
    raw = text === undefined ? undefined : parse(text);
  } catch {
    // The real reading, next, reports it with its line.
    return { load: [], disable: [], sections: [] };
  }
  const plugins = (raw as { plugins?: unknown } | null | undefined)?.plugins;
  const parsed = configSchema.shape.plugins.safeParse(plugins ?? {});
  if (!parsed.success) return { load: [], disable: [], sections: [] };
  const { load, disable, ...sections } = parsed.data;
  return { load: load.map((entry) => entry.path), disable, sections: Object.keys(sections) };
}
