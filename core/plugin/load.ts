/**
 * Loads third-party plugins from disk: checks who owns them and what they say of themselves before a
 * line of theirs runs. What fails becomes a trouble of that plugin; the process goes on.
 * @module
 */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { satisfies, validRange } from 'semver';
import { z } from 'zod';
import { errorText } from '../error/error.ts';
import type { Files } from '../host/host.ts';
import { issueLines } from '../model/document-text.ts';
import { type PluginDefinition, type Plugins, pluginApiVersion } from './plugin.ts';

const manifest = z.object({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a plugin name is 1 to 40 of a-z, 0-9 and "-"')
    // The first two are settings beside the plugins' sections, the last one is PVC itself.
    .refine((name) => !['load', 'disable', 'core'].includes(name), 'a plugin cannot have this name'),
  version: z.string().max(64).default('0.0.0'),
  api: z.string().refine((range) => validRange(range) !== null, 'not a semver range'),
  main: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]*$/, 'a file below the plugin’s directory')
    .refine((path) => !path.split('/').includes('..'), 'a file below the plugin’s directory')
    .default('index.cjs'),
  summary: z.string().max(200).default(''),
});
type Manifest = z.output<typeof manifest>;

/** First lines of a one-file plugin: `// @pvc-plugin {"name":"hello","version":"1.0.0","api":"^1"}`. */
const header = /^\s*(?:\/\/|\/\*+|\*)\s*@pvc-plugin\s+(\{.*?\})\s*(?:\*\/)?\s*$/m;

/** Loads every plugin that the configuration lists, in that order. */
export async function loadPlugins(
  plugins: Plugins,
  files: Pick<Files, 'stat' | 'readText'>,
  paths: readonly string[],
  api: typeof import('./api.ts'),
): Promise<void> {
  for (const path of paths) {
    // Until it has said its name, it is called by its file.
    let name = path.split('/').at(-1) ?? path;
    try {
      const { main, said } = await readManifest(files, path);
      name = said.name;
      if (!satisfies(pluginApiVersion, said.api))
        throw new Error(`was written for plugin API ${said.api}; this PVC has ${pluginApiVersion}`);
      await refuseUnsafe(files, main);
      const definition = definitionOf(main);
      if (definition.name !== name) throw new Error(`calls itself ${definition.name}, its manifest says ${name}`);
      plugins.add(
        { ...definition, apply: (context) => definition.apply(context), summary: definition.summary ?? said.summary },
        { builtin: false, path, version: said.version, api },
      );
    } catch (error) {
      plugins.failed(name, path, errorText(error));
    }
  }
}

/** What a plugin says of itself, and the file to load. @throws Error when it must not be trusted or says nothing */
async function readManifest(
  files: Pick<Files, 'stat' | 'readText'>,
  path: string,
): Promise<{ said: Manifest; main: string }> {
  const stat = await files.stat(path);
  if (stat === undefined) throw new Error(`there is no ${path}`);
  await refuseUnsafe(files, path);
  let text: string | undefined;
  if (stat.kind === 'directory') {
    await refuseUnsafe(files, join(path, 'plugin.json'));
    text = await files.readText(join(path, 'plugin.json'));
    if (text === undefined) throw new Error(`${path} has no plugin.json`);
  } else {
    await refuseUnsafe(files, dirname(path));
    text = header.exec(((await files.readText(path)) ?? '').slice(0, 4096))?.[1];
    if (text === undefined) throw new Error(`${path} has no "@pvc-plugin {…}" comment in its first lines`);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new Error('its manifest is not JSON', { cause });
  }
  const parsed = manifest.safeParse(raw);
  if (!parsed.success) throw new Error(`its manifest is not valid: ${issueLines(parsed.error).join('; ')}`);
  return { said: parsed.data, main: stat.kind === 'directory' ? join(path, parsed.data.main) : path };
}

/** Code that runs as root must not be writable by anybody else. */
async function refuseUnsafe(files: Pick<Files, 'stat'>, path: string): Promise<void> {
  const stat = await files.stat(path);
  if (stat === undefined) throw new Error(`there is no ${path}`);
  if (stat.uid !== 0) throw new Error(`${path} does not belong to root`);
  if ((stat.mode & 0o022) !== 0) throw new Error(`${path} can be written by others than root (chmod go-w)`);
}

function definitionOf(main: string): PluginDefinition {
  const loaded: unknown = createRequire(main)(main);
  const definition = (loaded as { default?: unknown }).default ?? loaded;
  if (
    typeof definition !== 'object' ||
    definition === null ||
    typeof (definition as PluginDefinition).apply !== 'function' ||
    typeof (definition as PluginDefinition).name !== 'string'
  ) {
    throw new Error('it exports no { name, api, apply(pvc) }');
  }
  return definition as PluginDefinition;
}
