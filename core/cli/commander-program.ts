/**
 * The commands as a commander program. Only what the words of the line can mean is built in full; all
 * other commands are names, enough for the help and for "did you mean".
 * @module
 */
import { Argument, Command, CommanderError, Option } from 'commander';
import { usageError } from './cli-errors.ts';
import { type CommandSpec, commandArguments, commandOptions } from './command-spec.ts';
import { type CommandNode, childOf, isHidden } from './command-tree.ts';
import { globalOptions } from './global-options.ts';
import { type ArgumentSpec, type OptionSpec, optionKey } from './option-spec.ts';

/** What the line says, as text: nothing is converted or checked yet. */
export interface ParsedLine {
  readonly spec: CommandSpec;
  readonly arguments: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  /** One per argument; undefined where it was left out, a list for the rest of the line. */
  readonly words: readonly (string | readonly string[] | undefined)[];
  /** By `optionKey`: text, list of texts, or true/false for `--x`/`--no-x`. */
  readonly values: ReadonlyMap<string, OptionText>;
  /** The global options, by their field. */
  readonly globals: Readonly<Record<string, OptionText>>;
}

export type OptionText = string | boolean | readonly string[];

/** The line asks for help or the version, or names a group where a command belongs. */
export interface HelpAsked {
  readonly help: CommandNode | 'version';
  /** No command was named, so that the help is an answer to a mistake. */
  readonly missing: boolean;
  readonly globals: Readonly<Record<string, OptionText>>;
}

/** An option whose value is kept under our key, whatever its flag is called. */
class KeyedOption extends Option {
  readonly #key: string;

  constructor(flags: string, key: string) {
    super(flags);
    this.#key = key;
  }

  override attributeName(): string {
    return this.#key;
  }
}

class HelpSignal extends Error {
  readonly asked: HelpAsked;

  constructor(help: CommandNode | 'version', missing: boolean, at: Command) {
    super('help');
    this.asked = { help, missing, globals: textsOf(at).globals };
  }
}

/** Commander would print the help of a group by itself; it is only noted here who wants it. */
class GroupCommand extends Command {
  readonly #node: CommandNode;

  constructor(node: CommandNode) {
    super(node.word === '' ? 'pvc' : node.word);
    this.#node = node;
  }

  override help(): never {
    throw new HelpSignal(this.#node, true, this);
  }
}

/** Values of a command and of what stands before it; what stands after the command wins. */
function textsOf(command: Command): { values: Map<string, OptionText>; globals: Record<string, OptionText> } {
  const values = new Map<string, OptionText>();
  const globals: Record<string, OptionText> = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    for (const [key, value] of Object.entries(at.opts<Record<string, OptionText>>())) {
      if (key.startsWith('global:')) globals[key.slice(7)] ??= value;
      else if (!values.has(key)) values.set(key, value);
    }
  }
  return { values, globals };
}

/**
 * Reads the line. @returns the command and its texts, or the help that was asked for
 * @throws PvcError USAGE for unknown commands and options, with the nearest that there is
 */
export function parseLine(root: CommandNode, argv: readonly string[]): ParsedLine | HelpAsked {
  let found: Match | undefined;
  const program = build(root, undefined, new Set(argv), (match) => {
    found = match;
  });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof HelpSignal) return { ...error.asked, globals: { ...error.asked.globals, ...colourOf(argv) } };
    if (error instanceof CommanderError) throw asUsageError(error, nearestNode(root, argv));
    throw error;
  }
  if (found === undefined) throw new Error('a line that is neither a command nor help');
  const { command, ...match } = found;
  return { ...match, words: command.processedArgs as ParsedLine['words'], ...textsOf(command) };
}

/** Help is shown as soon as it is asked for; a wish about colours may stand behind. */
function colourOf(argv: readonly string[]): { colour?: boolean } {
  const wish = argv.findLast((word) => /^--(?:no-)?colou?r$/.test(word));
  return wish === undefined ? {} : { colour: !wish.startsWith('--no-') };
}

/** The node that the words of a line lead to, for hints. */
function nearestNode(root: CommandNode, argv: readonly string[]): CommandNode {
  let node = root;
  for (const word of argv) node = childOf(node, word) ?? node;
  return node;
}

interface Match {
  readonly command: Command;
  readonly spec: CommandSpec;
  readonly arguments: ArgumentSpec[];
  readonly options: OptionSpec[];
}

function build(
  node: CommandNode,
  parent: Command | undefined,
  words: ReadonlySet<string>,
  onMatch: (match: Match) => void,
): Command {
  const command = new GroupCommand(node);
  for (const alias of node.aliases) command.alias(alias);
  command
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
    .helpCommand(false)
    .helpOption(false)
    .showSuggestionAfterError(true);
  // Our own switch, since commander's help would be printed before it is known whether there are colours.
  command.addOption(new Option('-h, --help', 'show this help')).on('option:help', () => {
    throw new HelpSignal(node, false, command);
  });
  if (parent === undefined) {
    command.addOption(new Option('--version', 'show the version')).on('option:version', () => {
      throw new HelpSignal('version', false, command);
    });
  }
  if (parent !== undefined) parent.addCommand(command, { hidden: isHidden(node) });
  const named = node.path.length === 0 || [node.word, ...node.aliases].some((word) => words.has(word));
  if (!named) return command;
  if (node.spec === undefined) {
    command.enablePositionalOptions();
    for (const option of globalOptions) addOption(command, option);
    for (const child of node.children.values()) build(child, command, words, onMatch);
    return command;
  }
  const { spec } = node;
  const options = commandOptions(spec);
  const args = commandArguments(spec);
  for (const option of options) addOption(command, option);
  const own = new Set(
    options.flatMap((option) => [`--${option.long}`, ...(option.short === undefined ? [] : [`-${option.short}`])]),
  );
  for (const option of globalOptions) {
    if (own.has(`--${option.long}`)) continue;
    addOption(command, own.has(`-${option.short}`) ? { ...option, short: undefined } : option);
  }
  for (const { value, required, rest } of args) {
    const name = rest ? `${value}...` : value;
    command.addArgument(new Argument(required ? `<${name}>` : `[${name}]`));
  }
  command.action(() => onMatch({ command, spec, arguments: args, options }));
  return command;
}

function addOption(command: Command, option: OptionSpec): void {
  const key = optionKey(option);
  const short = option.short === undefined ? '' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ' <value>';
  const positive = new KeyedOption(`${short}--${option.long}${value}`, key);
  const collect = (text: string, before: readonly string[] | boolean | undefined): readonly string[] => [
    ...(Array.isArray(before) ? (before as string[]) : []),
    text,
  ];
  if (option.repeat) positive.argParser(collect);
  command.addOption(positive);
  for (const also of option.also) {
    command.addOption(new KeyedOption(`--${also}${value}`, key).hideHelp());
    if (option.negatable) command.addOption(new KeyedOption(`--no-${also}`, key).hideHelp());
  }
  if (option.negatable) command.addOption(new KeyedOption(`--no-${option.long}`, key));
}

/** Commander's message in our form: the problem, and what was probably meant as the hint. */
function asUsageError(error: CommanderError, near: CommandNode): Error {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const meant = /Did you mean (?:one of )?(.+)\?\)?$/.exec(rest.join(' '))?.[1];
  const whole =
    error.code === 'commander.unknownCommand'
      ? meant?.replace(/[^, ]+/g, (word) => `\`${['pvc', ...near.path, word].join(' ')}\``)
      : meant;
  const problem = `${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.$/, '')}.`;
  return usageError(
    problem,
    whole === undefined ? `See \`${['pvc', ...near.path].join(' ')} --help\`.` : `Did you mean ${whole}?`,
  );
}
