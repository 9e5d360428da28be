/**
 * Answers `pvc __complete -- WORDS…`: what the last word may become. Commands and options come from the
 * declarations; names of objects from the cluster, if it answers in time. Nothing here may fail loudly:
 * an error message in the middle of a line that is being typed helps nobody.
 * @module
 */

import type { CliOption } from '../operation/cli-spec.ts';
import type { FieldShape } from '../render/value-shape.ts';
import { type CommandSpec, commandArguments, commandOptions } from './command-spec.ts';
import { type CommandNode, childOf, visibleChildren } from './command-tree.ts';
import { chooseConnection } from './connection-choice.ts';
import { connectionFilePath, readConnections } from './connection-file.ts';
import { type Globals, globalOptions, resolveGlobals } from './global-options.ts';
import { groupSummary } from './help.ts';
import type { OptionSpec } from './option-spec.ts';
import type { CliParts } from './run.ts';

/** How long names of the cluster may take. */
const budgetMs = 300;

interface Candidate {
  readonly word: string;
  readonly about: string;
}

interface Answer {
  readonly candidates: readonly Candidate[];
  readonly then: 'files' | 'nospace' | 'done';
}

export interface CompleteParts {
  readonly root: CommandNode;
  readonly parts: Pick<CliParts, 'connect' | 'registry' | 'terminal' | 'host' | 'localSocket'>;
}

const nothing: Answer = { candidates: [], then: 'done' };
const files: Answer = { candidates: [], then: 'files' };

/** The answer as the scripts read it. `words` are those after `pvc`; the last is the one under the cursor. */
export async function completeLine(words: readonly string[], complete: CompleteParts): Promise<string> {
  const current = words.at(-1) ?? '';
  let answer: Answer;
  try {
    answer = await answerFor(words.slice(0, -1), current, complete);
  } catch {
    answer = nothing; // an unreachable cluster, a damaged file: the line can still be typed
  }
  const lines = answer.candidates
    .filter(({ word }) => word.startsWith(current) && !/[\t\n]/.test(word))
    .map(({ word, about }) => `${word}\t${about.replace(/\s+/g, ' ').slice(0, 120)}\n`);
  return `${lines.join('')}:${answer.then}\n`;
}

interface Position {
  readonly node: CommandNode;
  /** Positional arguments so far. */
  readonly count: number;
  readonly options: readonly OptionSpec[];
  /** The option that waits for its value. */
  readonly pending: OptionSpec | undefined;
  /** After `--` nothing is an option. */
  readonly literal: boolean;
  readonly globals: Readonly<Record<string, string>>;
}

/** Where the words before the cursor lead to. */
function positionOf(words: readonly string[], root: CommandNode): Position {
  let node = root;
  let options: readonly OptionSpec[] = globalOptions;
  let count = 0;
  let pending: OptionSpec | undefined;
  let literal = false;
  const globals: Record<string, string> = {};
  for (const word of words) {
    if (pending !== undefined) {
      if (pending.source === 'global') globals[pending.field.name] = word;
      pending = undefined;
    } else if (!literal && word === '--') literal = true;
    else if (!literal && word.startsWith('-') && word !== '-') {
      const option = options.find((candidate) => `--${candidate.long}` === word || `-${candidate.short}` === word);
      if (option?.value !== undefined) pending = option;
      const [long, value] = splitOption(word);
      const global = globalOptions.find((candidate) => `--${candidate.long}` === long);
      if (global !== undefined && value !== undefined) globals[global.field.name] = value;
    } else if (node.spec === undefined) {
      node = childOf(node, word) ?? node;
      if (node.spec !== undefined) options = optionsOf(node.spec);
    } else count += 1;
  }
  return { node, count, options, pending, literal, globals };
}

function optionsOf(spec: CommandSpec): OptionSpec[] {
  const own = commandOptions(spec);
  return [...own, ...globalOptions.filter((global) => !own.some((option) => option.long === global.long))].map(
    (option, index) =>
      index >= own.length && own.some((mine) => mine.short !== undefined && mine.short === option.short)
        ? { ...option, short: undefined }
        : option,
  );
}

const splitOption = (word: string): [string, string | undefined] => {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
};

async function answerFor(before: readonly string[], current: string, complete: CompleteParts): Promise<Answer> {
  const at = positionOf(before, complete.root);
  if (at.pending !== undefined) return valuesOf(at.pending.field, at.pending.cli, current, at, complete);
  if (!at.literal && current.startsWith('--') && current.includes('=')) {
    const [long, value = ''] = splitOption(current);
    const option = at.options.find((candidate) => `--${candidate.long}` === long);
    if (option?.value === undefined) return nothing;
    const { candidates, then } = await valuesOf(option.field, option.cli, value, at, complete);
    return { candidates: candidates.map(({ word, about }) => ({ word: `${long}=${word}`, about })), then };
  }
  if (!at.literal && current.startsWith('-')) return { candidates: optionWords(at.options), then: 'done' };
  if (at.node.spec === undefined) return { candidates: subcommands(at.node), then: 'done' };
  const args = commandArguments(at.node.spec);
  const last = args.at(-1);
  const argument = args[at.count] ?? (last?.rest ? last : undefined);
  if (argument === undefined) return nothing;
  if (argument.cli.complete === 'command')
    return { candidates: subcommands(walk(complete.root, before.slice(1))), then: 'done' };
  return valuesOf(argument.field, argument.cli, current, at, complete);
}

const walk = (root: CommandNode, words: readonly string[]): CommandNode =>
  words.reduce((node, word) => childOf(node, word) ?? node, root);

const subcommands = (node: CommandNode): Candidate[] =>
  visibleChildren(node).map((child) => ({ word: child.word, about: child.spec?.summary ?? groupSummary(child) }));

function optionWords(options: readonly OptionSpec[]): Candidate[] {
  return [...options, undefined].flatMap((option): Candidate[] => {
    if (option === undefined) return [{ word: '--help', about: 'show help' }];
    const about = option.field.description;
    const opposite =
      option.negatable && option.field.default !== false
        ? [{ word: `--no-${option.long}`, about: `not: ${about}` }]
        : [];
    return [{ word: `--${option.long}`, about }, ...opposite];
  });
}

async function valuesOf(
  field: FieldShape,
  cli: CliOption,
  current: string,
  at: Position,
  complete: CompleteParts,
): Promise<Answer> {
  const { complete: from } = cli;
  if (Array.isArray(from))
    return { candidates: (from as readonly string[]).map((word) => ({ word, about: '' })), then: 'done' };
  if (from === 'file' || cli.from === 'file') return files;
  if (typeof from === 'string') return { candidates: await objectNames(from, at, complete), then: 'done' };
  const shape = field.shape.type === 'list' ? field.shape.item : field.shape;
  if (shape.type === 'choice')
    return { candidates: shape.values.map((value) => ({ word: String(value), about: '' })), then: 'done' };
  if (shape.type === 'boolean') return { candidates: ['yes', 'no'].map((word) => ({ word, about: '' })), then: 'done' };
  if (shape.type === 'object' && cli.from !== 'json') {
    const done = current.slice(0, current.lastIndexOf(',') + 1);
    const open = current.slice(done.length);
    const [key, value] = splitOption(open);
    const inner = shape.fields.get(key);
    const word = (text: string): string => `${done}${text}`;
    if (value !== undefined && inner !== undefined) {
      const { candidates } = await valuesOf(inner, {}, value, at, complete);
      return {
        candidates: candidates.map((candidate) => ({ ...candidate, word: word(`${key}=${candidate.word}`) })),
        then: 'nospace',
      };
    }
    return {
      candidates: [...shape.fields.values()].map((part) => ({ word: word(`${part.name}=`), about: part.description })),
      then: 'nospace',
    };
  }
  return nothing;
}

/** Names of the objects of a kind: what `KIND.list` answers. */
async function objectNames(kind: string, at: Position, { parts }: CompleteParts): Promise<Candidate[]> {
  const { host, terminal } = parts;
  if (kind === 'connection') {
    const { connections } = await readConnections(host.files, connectionFilePath(terminal.environment));
    return [
      { word: 'local', about: 'the daemon of this machine' },
      ...Object.entries(connections).map(([word, { url }]) => ({ word, about: url })),
    ];
  }
  const registry = await parts.registry();
  const operation = registry.all().find((entry) => entry.operation.name === `${kind}.list`)?.operation;
  if (operation === undefined) return [];
  const stop = new AbortController();
  const cancel = host.clock.after(budgetMs, () => stop.abort(new Error('too slow')));
  const late = new Promise<never>((_resolve, reject) =>
    stop.signal.addEventListener('abort', () => reject(stop.signal.reason as Error), { once: true }),
  );
  const ask = async (): Promise<Candidate[]> => {
    const globals: Globals = resolveGlobals(at.globals, terminal.environment);
    const client = await parts.connect(
      await chooseConnection(globals, terminal.environment, host, parts.localSocket),
      globals,
    );
    try {
      const items = (await client.call(operation.name, {}, { signal: stop.signal })) as readonly Record<
        string,
        unknown
      >[];
      const nameField = operation.cli?.nameField ?? 'name';
      return items
        .map((item) => ({
          word: String(item[nameField] ?? item['name'] ?? item['id'] ?? ''),
          about: String(item['state'] ?? item['action'] ?? ''),
        }))
        .filter(({ word }) => word !== '');
    } finally {
      await client.close?.();
    }
  };
  const asking = ask();
  // When the time is over first, what becomes of the call no longer matters.
  asking.catch(() => {});
  try {
    return await Promise.race([asking, late]);
  } finally {
    cancel();
  }
}
