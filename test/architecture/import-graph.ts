/**
 * Who imports whom. Read from the text of the sources, because type-only imports count for the
 * direction and no bundler reports them.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';

/** `value`: evaluated with the importer; `dynamic`: evaluated later; `type`: vanishes. */
export type ImportKind = 'value' | 'dynamic' | 'type';

export interface Import {
  /** Path in the repository, or the name of a package. */
  readonly target: string;
  readonly kind: ImportKind;
}

/** File (path in the repository) to what it imports. */
export type Graph = ReadonlyMap<string, readonly Import[]>;

/** Every static import or re-export begins a line; the names between may span lines. */
const staticImport = /^(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]*?\sfrom\s+|(?=['"]))['"]([^'"\n]+)['"]/gm;
/** `import('x')`; a type after `typeof` and with a member other than a promise's: `import('x').Name`. */
const dynamicImport = /\b(typeof\s+)?import\(\s*['"]([^'"\n]+)['"]\s*\)(\.(?!then\b|catch\b|finally\b))?/g;
const comments = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** The imports of one file. `file` is its path in the repository. */
export function scanImports(file: string, source: string): Import[] {
  const text = source.replace(comments, '');
  const resolve = (target: string): string =>
    target.startsWith('.') ? posix.join(posix.dirname(file), target) : target;
  const found: Import[] = [];
  for (const [, isType, target] of text.matchAll(staticImport))
    found.push({ target: resolve(target as string), kind: isType === undefined ? 'value' : 'type' });
  for (const [, query, target, member] of text.matchAll(dynamicImport))
    found.push({ target: resolve(target as string), kind: (query ?? member) ? 'type' : 'dynamic' });
  return found;
}

/** Scans every TypeScript file below the given directories, unit tests and declarations apart. */
export function readGraph(root: string, directories: readonly string[]): Graph {
  const graph = new Map<string, readonly Import[]>();
  for (const directory of directories)
    for (const item of readdirSync(join(root, directory), { recursive: true, withFileTypes: true })) {
      if (!item.isFile() || !/\.tsx?$/.test(item.name) || /\.(test|d)\.tsx?$/.test(item.name)) continue;
      const path = join(item.parentPath, item.name);
      const file = relative(root, path);
      graph.set(file, scanImports(file, readFileSync(path, 'utf8')));
    }
  return graph;
}

/**
 * Cycles among imports that are evaluated, each as the list of its files with the first one repeated.
 * Types may refer to each other in a circle: they vanish before anything runs.
 */
export function findCycles(graph: Graph): string[][] {
  const cycles = new Map<string, string[]>();
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const note = (cycle: string[]): void => void cycles.set(cycle.join(' '), cycle);
  const visit = (file: string): void => {
    state.set(file, 'open');
    trail.push(file);
    for (const { target, kind } of graph.get(file) ?? []) {
      if (kind === 'type' || !graph.has(target)) continue;
      if (state.get(target) === 'open') note([...trail.slice(trail.indexOf(target)), target]);
      else if (!state.has(target)) visit(target);
    }
    trail.pop();
    state.set(file, 'done');
  };
  for (const file of graph.keys()) if (!state.has(file)) visit(file);
  return [...cycles.values()];
}

/** Everything that is evaluated once the given files are, `import()` apart: files and package names. */
export function staticClosure(graph: Graph, from: readonly string[]): Set<string> {
  const reached = new Set(from);
  // A set iterates over what is added to it on the way.
  for (const file of reached)
    for (const { target, kind } of graph.get(file) ?? []) if (kind === 'value') reached.add(target);
  return reached;
}
