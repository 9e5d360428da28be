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

/** @throws Error when a command is declared twice, or is both a command and a group: a fault of its author. */
export function commandTree(specs: readonly CommandSpec[]): CommandNode {
  const root = emptyNode([]);
  for (const spec of specs) {
    const sameLevel = spec.aliases.filter((alias) => !alias.includes(' ') && spec.path.length > 1);
    place(root, spec.path, sameLevel, spec, spec.hidden);
    for (const alias of spec.aliases) if (!sameLevel.includes(alias)) place(root, alias.split(' '), [], spec, true);
  }
  return root;
}

function place(root: CommandNode, path: readonly string[], aliases: readonly string[], spec: CommandSpec, hidden: boolean): void {
  let node = root;
  for (const [depth, word] of path.entries()) {
    if (node.spec !== undefined) throw new Error(`"${node.path.join(' ')}" is a command and cannot be a group for "${path.join(' ')}"`);
    let next = node.children.get(word);
    if (next === undefined) {
      next = emptyNode(path.slice(0, depth + 1), depth === path.length - 1 ? aliases : []);
      node.children.set(word, next);
    }
    node = next;
  }
  if (node.spec !== undefined) throw new Error(`the command "${path.join(' ')}" is declared twice`);
  if (node.children.size > 0) throw new Error(`"${path.join(' ')}" is a group of commands and cannot be a command`);
  node.spec = spec;
  node.hidden = hidden;
}

/** The child of a word, by its name or an alias. */
export function childOf(node: CommandNode, word: string): CommandNode | undefined {
  return node.children.get(word) ?? [...node.children.values()].find((child) => child.aliases.includes(word));
}

/** Groups without a visible command are not shown either. */
export const isHidden = (node: CommandNode): boolean => (node.spec !== undefined ? node.hidden : [...node.children.values()].every(isHidden));

/** The visible children, by name. */
export const visibleChildren = (node: CommandNode): CommandNode[] =>
  [...node.children.values()].filter((child) => !isHidden(child)).sort((a, b) => (a.word < b.word ? -1 : 1));

/** Every visible command below a node, by name. */
export const visibleLeaves = (node: CommandNode): CommandNode[] =>
  visibleChildren(node).flatMap((child) => (child.spec === undefined ? visibleLeaves(child) : [child]));
