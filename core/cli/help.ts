/** Help of the whole program, of a group and of a command, as text for a terminal. @module */

import type { RenderContext } from '../operation/cli-spec.ts';
import { paint } from '../render/colour.ts';
import { padText, textWidth, wrapText } from '../render/text-width.ts';
import { type CommandSpec, commandArguments, commandOptions } from './command-spec.ts';
import { type CommandNode, isWholeCommand, visibleChildren, visibleLeaves } from './command-tree.ts';
import { globalOptions } from './global-options.ts';
import { nounSummaries } from './nouns.ts';
import { optionHelp, optionUsage } from './option-spec.ts';

type Row = readonly [term: string, text: string];

/** Widest help; longer lines are hard to read however wide the terminal is. */
const widest = 100;
/** Terms longer than this get a line of their own. */
const widestTerm = 30;

const widthOf = (context: RenderContext): number => Math.min(context.width, widest);

function heading(title: string, context: RenderContext): string {
  return paint(title, 'bold', context);
}

/** Terms and their texts in two columns. */
function rows(list: readonly Row[], context: RenderContext): string {
  const termWidth = Math.min(widestTerm, Math.max(0, ...list.map(([term]) => textWidth(term))));
  const indent = ' '.repeat(termWidth + 4);
  return list
    .map(([term, text]) => {
      const lines = wrapText(text, Math.max(30, widthOf(context) - indent.length));
      const [first = '', ...more] = lines;
      const start =
        textWidth(term) > termWidth
          ? [`  ${paint(term, 'cyan', context)}`, `${indent}${first}`]
          : [`  ${paint(padText(term, termWidth), 'cyan', context)}  ${first}`];
      return (
        text === '' ? [`  ${paint(term, 'cyan', context)}`] : [...start, ...more.map((line) => indent + line)]
      ).join('\n');
    })
    .join('\n');
}

const block = (title: string, list: readonly Row[], context: RenderContext): string[] =>
  list.length === 0 ? [] : [`${heading(title, context)}\n${rows(list, context)}`];

const paragraph = (text: string, context: RenderContext): string => wrapText(text, widthOf(context)).join('\n');

/** `pvc vm start VM [--options]` */
export function usageLine(spec: CommandSpec): string {
  const args = commandArguments(spec).map(({ value, required, rest }) => {
    const word = rest ? `${value}…` : value;
    return required ? word : `[${word}]`;
  });
  const options = commandOptions(spec);
  const needed = options
    .filter((option) => option.field.required)
    .map((option) => `--${option.long}${option.value === undefined ? '' : ` ${option.value}`}`);
  return ['pvc', ...spec.path, ...args, ...needed, ...(options.length > needed.length ? ['[OPTIONS]'] : [])].join(' ');
}

/** One line for a group: what is known of it, or its commands. */
export function groupSummary(node: CommandNode): string {
  const known = nounSummaries[node.path.join(' ')];
  return (
    known ??
    visibleLeaves(node)
      .map((leaf) => leaf.path.slice(node.path.length).join(' '))
      .join(', ')
  );
}

const summaryOf = (node: CommandNode): string => node.spec?.summary.replace(/\.$/, '') ?? groupSummary(node);

const globalRows = (): Row[] =>
  globalOptions.map(
    (option): Row => [optionUsage(option), optionHelp(option.field, option.cli, { value: option.value })],
  );

/** The first page: groups and global options. */
function programHelp(root: CommandNode, context: RenderContext): string {
  return [
    paragraph('pvc runs virtual machines on one server or on a cluster of them.', context),
    `${heading('Usage', context)}\n  pvc [OPTIONS] COMMAND …`,
    ...block(
      'Commands',
      visibleChildren(root).map((child): Row => [child.word, summaryOf(child)]),
      context,
    ),
    ...block(
      'Options of every command',
      [
        ...globalRows(),
        ['-h, --help', 'Show the help of pvc, of a group or of a command'],
        ['--version', 'Show the version'],
      ],
      context,
    ),
    paragraph(
      '`pvc help COMMAND` tells about one command, `pvc help --all` lists every one. Options may stand before or after the command.',
      context,
    ),
  ].join('\n\n');
}

/** Every command, by group. */
export function allCommandsHelp(root: CommandNode, context: RenderContext): string {
  return visibleChildren(root)
    .map((child) => {
      const leaves = child.spec === undefined ? visibleLeaves(child) : [child];
      return `${heading(child.word, context)}  ${child.spec === undefined ? groupSummary(child) : ''}`.trimEnd().concat(
        '\n',
        rows(
          leaves.map((leaf): Row => [leaf.path.join(' '), summaryOf(leaf)]),
          context,
        ),
      );
    })
    .join('\n\n');
}

function groupHelp(node: CommandNode, context: RenderContext): string {
  const words = `pvc ${node.path.join(' ')}`;
  const list = visibleChildren(node).flatMap((child) => (child.spec === undefined ? visibleLeaves(child) : [child]));
  return [
    paragraph(`${words}: ${groupSummary(node)}`, context),
    `${heading('Usage', context)}\n  ${words} COMMAND …`,
    ...block(
      'Commands',
      list.map((leaf): Row => [leaf.path.slice(node.path.length).join(' '), summaryOf(leaf)]),
      context,
    ),
    paragraph(`\`${words} COMMAND --help\` tells about one of them.`, context),
  ].join('\n\n');
}

function commandHelp(spec: CommandSpec, context: RenderContext): string {
  const options = commandOptions(spec);
  const group = (source: readonly string[]): Row[] =>
    options
      .filter((option) => source.includes(option.source))
      .map(
        (option): Row => [
          optionUsage(option),
          optionHelp(option.field, option.cli, { value: option.value, repeat: option.repeat, optional: true }),
        ],
      );
  const args = commandArguments(spec).map(
    ({ value, field, cli, rest }): Row => [value, optionHelp(field, cli, { value: undefined, repeat: rest })],
  );
  return [
    paragraph(`pvc ${spec.path.join(' ')}: ${spec.summary}`, context),
    `${heading('Usage', context)}\n  ${usageLine(spec)}`,
    ...(spec.description === undefined ? [] : [paragraph(spec.description, context)]),
    ...block('Arguments', args, context),
    ...block('Options', group(['input', 'flag', 'control']), context),
    ...(spec.aliases.length === 0 ? [] : [`${heading('Also', context)}\n  ${aliasLines(spec).join('\n  ')}`]),
    ...(spec.examples.length === 0
      ? []
      : [`${heading('Examples', context)}\n${spec.examples.map((line) => `  ${line}`).join('\n')}`]),
    paragraph('Options of every command: see `pvc --help`.', context),
  ].join('\n\n');
}

/** The other ways to write a command, in full. */
export const aliasLines = (spec: CommandSpec): string[] =>
  spec.aliases.map(
    (alias) => `pvc ${isWholeCommand(alias, spec.path) ? alias : [...spec.path.slice(0, -1), alias].join(' ')}`,
  );

/** The help of a node of the tree, with a line feed at its end. */
export function helpText(node: CommandNode, context: RenderContext): string {
  const text =
    node.spec !== undefined
      ? commandHelp(node.spec, context)
      : node.path.length === 0
        ? programHelp(node, context)
        : groupHelp(node, context);
  return `${text}\n`;
}
