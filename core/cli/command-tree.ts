/** The commands as a tree of words: `vm` → `nic` → `add`. @module */
import type { CommandSpec } from './command-spec.ts';

export interface CommandNode {
  readonly word: string;
  readonly path: readonly string[];
  /** Other words for it, among its siblings. */
  readonly aliases: readonly string[];
  readonly children: Map<string, CommandNode>;
  spec: CommandSpec | undefined;
  /** Not shown in lists. */
  hidden: boolean;
}

const emptyNode = (path: readonly string[], aliases: readonly string[] = []): CommandNode => ({
  word: path.at(-1) ?? '',
  path,
  aliases,
  children: new Map(),
  spec: undefined,
  hidden: false,
});

export interface CommandTree {
  readonly root: CommandNode;
  /** Commands that were left out because another has their words, one sentence each. */
  readonly problems: readonly string[];
}

/** Places every command; the first to come has the words, so that no plugin can take a command away. */
export function commandTree(specs: readonly CommandSpec[]): CommandTree {
  const root = emptyNode([]);
  const problems: string[] = [];
  for (const spec of specs) {
    const sameLevel = spec.aliases.filter((alias) => !isWholeCommand(alias, spec.path));
    const others = spec.aliases.filter((alias) => !sameLevel.includes(alias));
    const problem =
      place(root, spec.path, sameLevel, spec, spec.hidden) ??
      others.map((alias) => place(root, alias.split(' '), [], spec, true)).find((found) => found !== undefined);
    if (problem !== undefined)
      problems.push(spec.target.type === 'local' ? problem : `${problem} (plugin ${spec.target.plugin})`);
  }
  return { root, problems };
}

/**
 * An alias of one word stands for the last word of the command, unless it is that word already: then
 * (`status` of `cluster status`), as with several words, it is a command of its own.
 */
export const isWholeCommand = (alias: string, path: readonly string[]): boolean =>
  alias.includes(' ') || path.length === 1 || alias === path.at(-1);

/** @returns why it could not be placed */
function place(
  root: CommandNode,
  path: readonly string[],
  aliases: readonly string[],
  spec: CommandSpec,
  hidden: boolean,
): string | undefined {
  const command = path.join(' ');
  let node = root;
  for (const word of path) {
    const next = node.children.get(word);
    if (next === undefined) break;
    if (next.spec !== undefined)
      return next.path.length === path.length
        ? `the command "${command}" is there twice`
        : `"${next.path.join(' ')}" is a command and cannot be a group for "${command}"`;
    node = next;
  }
  if (node.path.length === path.length) return `"${command}" is a group of commands and cannot be a command`;
  for (let depth = node.path.length + 1; depth <= path.length; depth += 1) {
    const next = emptyNode(path.slice(0, depth), depth === path.length ? aliases : []);
    node.children.set(next.word, next);
    node = next;
  }
  node.spec = spec;
  node.hidden = hidden;
  return undefined;
}

/** The child of a word, by its name or an alias. */
export function childOf(node: CommandNode, word: string): CommandNode | undefined {
  return node.children.get(word) ?? [...node.children.values()].find((child) => child.aliases.includes(word));
}

/** Groups without a visible command are not shown either. */
export const isHidden = (node: CommandNode): boolean =>
  node.spec !== undefined ? node.hidden : [...node.children.values()].every(isHidden);

/** The visible children, by name. */
export const visibleChildren = (node: CommandNode): CommandNode[] =>
  [...node.children.values()].filter((child) => !isHidden(child)).sort((a, b) => (a.word < b.word ? -1 : 1));

/** Every visible command below a node, by name. */
export const visibleLeaves = (node: CommandNode): CommandNode[] =>
  visibleChildren(node).flatMap((child) => (child.spec === undefined ? visibleLeaves(child) : [child]));
