/** Options that every command takes, and their equivalents in the environment. @module */
import { z } from 'zod';
import type { CliOption } from '../operation/cli-spec.ts';
import { usageError } from './cli-errors.ts';
import { type OptionSpec, optionSpecs } from './option-spec.ts';

export const formats = ['pretty', 'json', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

export const globalSchema = z.object({
  format: z.enum(formats).optional().describe('How to print the answer; pretty unless said'),
  connection: z
    .string()
    .optional()
    .describe('Use this connection (`pvc connection list`); "local" is this machine’s daemon'),
  socket: z.string().optional().describe('Use the daemon behind this unix socket'),
  url: z
    .string()
    .optional()
    .describe('Use the API at this https address; its token comes from $PVC_TOKEN or a connection of that address'),
  store: z.string().optional().describe('Work on the store itself, without a daemon: sqlite:PATH or zk://HOST:PORT,…'),
  config: z.string().optional().describe('Configuration file of the daemon (default /etc/pvc/pvc.yaml)'),
  yes: z.boolean().optional().describe('Answer every question with yes'),
  quiet: z.boolean().optional().describe('Print the answer and errors only: no progress, no warnings'),
  debug: z.boolean().optional().describe('Show the causes and stacks of errors'),
  colour: z.boolean().optional().describe('Colours; as the output is a terminal unless said, and never with $NO_COLOR'),
});
export type Globals = z.infer<typeof globalSchema>;

const hints: Readonly<Record<keyof Globals, CliOption>> = {
  format: { short: 'f', value: 'FORMAT' },
  connection: { short: 'c', value: 'NAME', complete: 'connection' },
  socket: { value: 'PATH', complete: 'file' },
  url: { value: 'URL' },
  store: { value: 'STORE' },
  config: { value: 'FILE', complete: 'file' },
  yes: { short: 'y' },
  quiet: { short: 'q' },
  debug: {},
  colour: {},
};

/** The global options, in the order of the help. */
export const globalOptions: readonly OptionSpec[] = optionSpecs('global', globalSchema, hints, [], 'pvc').map(
  (option) => ({
    ...option,
    negatable: option.field.name === 'colour',
    also: option.field.name === 'colour' ? ['color'] : [],
  }),
);

/** Variables that stand for an option, with the option's field. `--yes` has none on purpose: it must be meant each time. */
export const globalEnvironment: Readonly<Record<string, keyof Globals>> = {
  PVC_FORMAT: 'format',
  PVC_CONNECTION: 'connection',
  PVC_SOCKET: 'socket',
  PVC_URL: 'url',
  PVC_STORE: 'store',
  PVC_CONFIG: 'config',
  PVC_QUIET: 'quiet',
  PVC_DEBUG: 'debug',
  PVC_COLOUR: 'colour',
};

/** Options that name a connection: one on the line sets aside all that the environment says of it. */
const places = ['connection', 'socket', 'url', 'store'] as const;

/** What holds for this run: the line first, then the environment. @throws PvcError USAGE */
export function resolveGlobals(
  line: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): Globals {
  const given: Record<string, unknown> = { ...line };
  const placed = places.filter((name) => name in line);
  if (placed.length > 1)
    throw usageError(`${placed.map((name) => `--${name}`).join(' and ')} contradict each other.`, 'Give one of them.');
  for (const [variable, name] of Object.entries(globalEnvironment)) {
    const value = environment[variable];
    if (value === undefined || value === '' || name in given) continue;
    if (placed.length > 0 && places.some((place) => place === name)) continue;
    const type = globalSchema.shape[name].unwrap().type;
    given[name] = type === 'boolean' ? !['0', 'no', 'false', 'off'].includes(value.toLowerCase()) : value;
    if (!globalSchema.shape[name].safeParse(given[name]).success) {
      throw usageError(
        `The variable ${variable} is "${value}", which is none of ${formats.join(', ')}.`,
        `Correct or unset ${variable}.`,
      );
    }
  }
  const parsed = globalSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? '');
  throw usageError(
    name === 'format'
      ? `--format: "${String(given[name])}" is not one of ${formats.join(', ')}.`
      : `--${name}: ${issue?.message ?? 'not valid'}`,
    'See `pvc --help` for the options of every command.',
  );
}
