/** The reference of the command line as Markdown, from the same declarations as the help. @module */
import { exitCode } from '../error/error.ts';
import { type CommandSpec, commandArguments, commandOptions } from './command-spec.ts';
import { type CommandNode, visibleChildren, visibleLeaves } from './command-tree.ts';
import { globalEnvironment, globalOptions } from './global-options.ts';
import { aliasLines, groupSummary, usageLine } from './help.ts';
import { optionHelp, optionUsage } from './option-spec.ts';

const exitMeaning: Readonly<Record<keyof typeof exitCode, string>> = {
  ok: 'Done.',
  failed: 'It failed; the message says why.',
  usage: 'The command line or an input is not valid. Nothing was changed.',
  notFound: 'Something that was named does not exist.',
  refused: 'It is not allowed in this state.',
  conflict: 'Somebody else is at it, or it exists already.',
  denied: 'No permission, or a certificate that is not trusted.',
  unreachable: 'The daemon, a node or the store cannot be reached.',
  unknown: 'It may or may not have been done; look before you repeat it.',
  cancelled: 'It was cancelled, or a question was answered with no.',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
}

const code = (text: string): string => `\`${text}\``;

function commandSection(spec: CommandSpec): string[] {
  const args = commandArguments(spec).map(({ field, cli, value, rest }) => [
    code(value),
    optionHelp(field, cli, { value: undefined, repeat: rest }),
  ]);
  const options = commandOptions(spec).map((option) => [
    code(optionUsage(option)),
    optionHelp(option.field, option.cli, { value: option.value, repeat: option.repeat, optional: true }),
  ]);
  const notes: string[] = [];
  if (spec.target.type === 'operation') {
    const { operation, plugin } = spec.target;
    notes.push(
      `Operation ${code(operation.name)} (${code(`${operation.http.method} /api/v1${operation.http.path}`)}), role ${operation.role}${plugin === 'core' ? '' : `, plugin ${plugin}`}.`,
    );
  }
  if (spec.aliases.length > 0) notes.push(`Also ${aliasLines(spec).map(code).join(', ')}.`);
  return [
    `### pvc ${spec.path.join(' ')}`,
    `${spec.summary.replace(/\.$/, '')}.${spec.description === undefined ? '' : ` ${spec.description}`}`,
    ['```', usageLine(spec), '```'].join('\n'),
    markdownTable(['Argument', ''], args),
    markdownTable(['Option', ''], options),
    spec.examples.length === 0 ? '' : ['```sh', ...spec.examples, '```'].join('\n'),
    notes.join(' '),
  ];
}

/** The whole page, ending with a line feed. The same declarations always give the same text. */
export function referencePage(root: CommandNode): string {
  const parts = [
    '# Command line',
    'This page is generated from the declarations of the commands (`npm run docs`). The same text is shown by `pvc help COMMAND`.',
    'Answers go to standard output, questions, progress, warnings and errors to standard error. Without `--format` an answer is meant for a person; on a pipe it is the same text without colours, and nothing is cut. `--format json` prints what the API answers.',
    '## Options of every command',
    'They may stand before or after the command.',
    markdownTable(
      ['Option', ''],
      globalOptions.map((option) => [
        code(optionUsage(option)),
        optionHelp(option.field, option.cli, { value: option.value }),
      ]),
    ),
    '## Environment',
    markdownTable(
      ['Variable', 'Stands for'],
      [
        ...Object.entries(globalEnvironment).map(([variable, name]) => [code(variable), code(`--${name}`)]),
        [code('PVC_TOKEN'), 'the token for `--url`'],
        [code('PVC_FINGERPRINT'), 'SHA-256 of the certificate that `--url` must show'],
        [code('NO_COLOR'), 'no colours, when it is not empty'],
        [`${code('VISUAL')}, ${code('EDITOR')}`, 'the editor; `vi` unless set'],
      ],
    ),
    '## Values',
    'Amounts take a unit: a `SIZE` is `512M` or `4G` (powers of 1024), a `TIME` is `500ms`, `30s`, `5m`, `2h` or `1d`; a bare number is in the unit of the field. `KEY=VALUE,…` sets the parts of one object, with a backslash before a comma that belongs to a value; JSON is taken as well. `--no-…` empties a list or clears a value.',
    '## Exit codes',
    markdownTable(
      ['Code', 'Meaning'],
      [
        ...Object.entries(exitCode).map(([name, number]) => [
          String(number),
          exitMeaning[name as keyof typeof exitCode],
        ]),
        ['130', 'Interrupted by Ctrl-C.'],
      ],
    ),
  ];
  for (const child of visibleChildren(root)) {
    parts.push(`## ${child.word}`, child.spec === undefined ? `${groupSummary(child)}.` : '');
    for (const leaf of child.spec === undefined ? visibleLeaves(child) : [child])
      if (leaf.spec !== undefined) parts.push(...commandSection(leaf.spec));
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
