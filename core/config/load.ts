/**
 * Reads the configuration: YAML, then the schema. Every problem is reported with its line and column,
 * all of them at once.
 * @module
 */
import { type Document, isMap, isPair, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import type { Files } from '../host/host.ts';
import { type Config, configSchema } from './schema.ts';

export const configError = defineErrors({
  CONFIG_INVALID: {
    message: 'The configuration {path} is not valid.',
    hint: 'Correct the lines named above; `pvc config check` tells whether it is right. A daemon that runs keeps its old configuration.',
    http: 500,
    exit: 'usage',
  },
  CONFIG_MISSING: {
    message: 'There is no configuration file {path}.',
    hint: 'An empty file is enough; see /usr/share/doc/pvc/pvc.yaml for an example.',
    http: 500,
    exit: 'usage',
  },
});

/** A section of the file that a plugin owns: `plugins.NAME`. */
export interface PluginSection {
  readonly plugin: string;
  readonly schema: z.ZodType;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly path: string;
  /** Parsed section of a plugin. */
  section(plugin: string): unknown;
}

/**
 * @param required false: a file that does not exist is an empty one.
 * @throws PvcError CONFIG_MISSING, CONFIG_INVALID with one detail a problem: `12:3 plugins.libvirt.uri: …`
 */
export async function loadConfig(
  files: Pick<Files, 'readText'>,
  path: string,
  sections: readonly PluginSection[],
  required = false,
): Promise<LoadedConfig> {
  const text = await files.readText(path);
  if (text === undefined && required) throw configError('CONFIG_MISSING', { path });
  return parseConfig(text ?? '', path, sections);
}

/** @throws PvcError CONFIG_INVALID */
export function parseConfig(text: string, path: string, sections: readonly PluginSection[]): LoadedConfig {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, version: '1.2' });
  const problems: string[] = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    // The library repeats the place at the end of its message.
    return `${line}:${col} ${(error.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')}`;
  });
  if (problems.length > 0) throw configError('CONFIG_INVALID', { path }, { details: problems });

  const raw: unknown = document.toJS({ maxAliasCount: 20 }) ?? {};
  const parsed = configSchema.safeParse(raw);
  if (!parsed.success) problems.push(...located(parsed.error, document, lines, []));
  const plugins = parsed.success
    ? (parsed.data.plugins as Record<string, unknown>)
    : ((raw as { plugins?: Record<string, unknown> }).plugins ?? {});
  const known = new Map(sections.map((section) => [section.plugin, section.schema]));
  const values = new Map<string, unknown>();
  for (const { plugin, schema } of sections) {
    const section = schema.safeParse(plugins[plugin] ?? {});
    if (section.success) values.set(plugin, section.data);
    else problems.push(...located(section.error, document, lines, ['plugins', plugin]));
  }
  for (const name of Object.keys(plugins)) {
    if (name === 'load' || name === 'disable' || known.has(name)) continue;
    problems.push(`${position(document, lines, ['plugins', name])} plugins.${name}: no plugin of that name is loaded`);
  }
  if (!parsed.success || problems.length > 0) throw configError('CONFIG_INVALID', { path }, { details: problems });
  return { config: parsed.data, path, section: (plugin) => values.get(plugin) };
}

function located(error: z.ZodError, document: Document, lines: LineCounter, prefix: readonly PropertyKey[]): string[] {
  return error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(
        (key) => `${position(document, lines, [...path, key])} ${[...path, key].join('.')}: no such setting`,
      );
    }
    return [`${position(document, lines, path)} ${path.length === 0 ? '(file)' : path.join('.')}: ${issue.message}`];
  });
}

/** `line:column` of the deepest part of the path that stands in the file. */
function position(document: Document, lines: LineCounter, path: readonly PropertyKey[]): string {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        (item) => isPair(item) && String((item.key as { value?: unknown } | null)?.value ?? item.key) === String(step),
      );
      if (pair === undefined) break;
      offset = (pair.key as Node | null)?.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    } else break;
  }
  const { line, col } = lines.linePos(offset);
  return `${line}:${col}`;
}
