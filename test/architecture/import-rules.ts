/**
 * In which direction imports may point. `docs` of the architecture show the same as a picture.
 * @module
 */
import type { Graph } from './import-graph.ts';

/** Folders of core (and files that stand in it), lowest first; those of one row may import each other, and everything below. */
const layers: readonly (readonly string[])[] = [
  ['error'],
  ['host'],
  ['model'],
  ['store', 'config'],
  ['reconcile', 'task', 'fault', 'metric', 'health', 'service'],
  ['operation'],
  ['render'],
  ['plugin'],
  ['event'],
  ['cluster'],
  ['client', 'program.ts'],
  ['api', 'cli', 'daemon', 'web'],
  ['local'],
  ['command-line.ts'],
];

/** Folders with a shorter list than their layer gives them. */
const narrow: Readonly<Record<string, readonly string[]>> = {
  config: ['error', 'host', 'model'],
  store: ['error', 'host', 'model'],
};

/** Where the program begins; they may import anything. */
const entryFiles = new Set(['core/boot.ts', 'core/main.ts']);

/** The one list of built-in plugins. */
const builtinList = 'core/plugin/builtin.ts';
/** The simulator stands with the tests; administrators play with it too (`pvc sim`), and this is its one door. */
const simulatorDoor = { from: 'core/local/sim-command.ts', to: 'test/sim/play/play.ts' };
/** All that a plugin may import of core. */
const pluginApi = 'core/plugin/api.ts';

/** Folders of helpers that only tests use, wherever they stand. */
const testOnly = /\/(testing|fixtures)\//;

const layerOf = (folder: string): number => layers.findIndex((row) => row.includes(folder));

/** Why `file` may not import `target` (both paths in the repository), or undefined when it may. */
export function refusal(file: string, target: string): string | undefined {
  const [tree, folder = ''] = file.split('/');
  const [targetTree, targetFolder = ''] = target.split('/');
  if (tree === 'build' || tree === 'test' || testOnly.test(file)) return undefined;
  if (testOnly.test(target)) return 'the product does not import what is for tests';
  if (file === simulatorDoor.from && target === simulatorDoor.to) return undefined;
  if (targetTree === 'build' || targetTree === 'test') return 'the product does not import build or test code';
  if (tree === 'plugins') {
    if (targetTree === 'plugins') return targetFolder === folder ? undefined : 'a plugin never imports another plugin';
    return target === pluginApi ? undefined : `of core, a plugin imports ${pluginApi} only`;
  }
  if (targetTree === 'plugins')
    return file === builtinList || file === 'core/main.ts' || folder === 'daemon'
      ? undefined
      : `only ${builtinList}, core/main.ts and core/daemon import plugins`;
  if (entryFiles.has(file) || folder === targetFolder) return undefined;
  if (layerOf(folder) < 0)
    return `core/${folder} has no place in the order of layers (test/architecture/import-rules.ts)`;
  if (layerOf(targetFolder) < 0) return `core/${targetFolder} has no place in the order of layers`;
  if (layerOf(targetFolder) > layerOf(folder)) return `core/${targetFolder} is above core/${folder}`;
  if (narrow[folder] !== undefined && !narrow[folder].includes(targetFolder))
    return `core/${folder} imports ${narrow[folder].join(', ')} only`;
  return undefined;
}

/** One line for each import that points in a wrong direction. */
export function wrongDirections(graph: Graph): string[] {
  const lines: string[] = [];
  for (const [file, imports] of graph)
    for (const { target } of imports) {
      if (!/^(core|plugins|build|test)\//.test(target)) continue;
      const reason = refusal(file, target);
      if (reason !== undefined) lines.push(`${file} imports ${target}: ${reason}`);
    }
  return lines;
}
