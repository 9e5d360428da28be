/** What plugins this node runs and what each contributes. @module */
import { z } from 'zod';
import { defineQuery } from '../operation/operation.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import { type Plugins, pluginError } from '../plugin/plugin.ts';
import { renderPlugins } from './cluster-render.ts';

const pluginRow = z.object({
  name: z.string(),
  version: z.string(),
  origin: z.enum(['built-in', 'third-party']),
  state: z.enum(['loaded', 'failed']),
  summary: z.string(),
  troubles: z.int(),
});
export type PluginRow = z.infer<typeof pluginRow>;

export const pluginOperations = (plugins: Plugins, registry: OperationRegistry) => {
  const rowOf = (one: Plugins['loaded'][number]): PluginRow => ({
    name: one.name,
    version: one.version,
    origin: one.builtin ? 'built-in' : 'third-party',
    state: one.state,
    summary: one.summary,
    troubles: plugins.troubles.filter((trouble) => trouble.plugin === one.name).length,
  });
  return [
    defineQuery({
      name: 'plugin.list',
      summary: 'List the plugins of this node',
      http: { method: 'GET', path: '/plugins' },
      cli: { command: 'plugin list', render: renderPlugins },
      role: 'viewer',
      input: z.strictObject({}),
      output: z.array(pluginRow),
      run: async () => plugins.loaded.map(rowOf),
    }),
    defineQuery({
      name: 'plugin.show',
      summary: 'Show what a plugin contributes and what went wrong in it',
      http: { method: 'GET', path: '/plugins/{plugin}' },
      cli: { command: 'plugin show', arguments: [{ field: 'plugin', complete: 'plugin' }] },
      role: 'viewer',
      input: z.strictObject({ plugin: z.string().max(64) }),
      output: pluginRow.extend({
        path: z.string().nullable(),
        message: z.string(),
        hooks: z.array(z.string()),
        operations: z.array(z.string()),
        kinds: z.array(z.string()),
        problems: z.array(z.object({ where: z.string(), message: z.string() })),
      }),
      run: async (_context, input) => {
        const one = plugins.loaded.find((known) => known.name === input.plugin);
        if (one === undefined) throw pluginError('PLUGIN_UNKNOWN', { plugin: input.plugin });
        return {
          ...rowOf(one),
          path: one.path ?? null,
          message: one.message,
          hooks: plugins.tappedBy(one.name),
          operations: registry
            .all()
            .filter((known) => known.plugin === one.name)
            .map((known) => known.operation.name),
          kinds: plugins.hooks.kinds
            .items()
            .filter(({ plugin }) => plugin.name === one.name)
            .map(({ item }) => item.name),
          problems: plugins.troubles
            .filter((trouble) => trouble.plugin === one.name)
            .map(({ where, message }) => ({ where, message })),
        };
      },
    }),
  ];
};
