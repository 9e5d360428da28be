/** A command as the parser, the help, completion and the reference see it: an operation or a local command. @module */
import { z } from 'zod';
import type { CliSpec } from '../operation/cli-spec.ts';
import type { Operation } from '../operation/operation.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import type { LocalCommand } from './local-command.ts';
import { type ArgumentSpec, argumentSpecs, type OptionSpec, optionSpecs } from './option-spec.ts';

export type CommandTarget =
  | { readonly type: 'operation'; readonly operation: Operation; readonly cli: CliSpec; readonly plugin: string }
  | { readonly type: 'local'; readonly local: LocalCommand };

export interface CommandSpec {
  /** `['vm', 'start']` */
  readonly path: readonly string[];
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly description: string | undefined;
  readonly examples: readonly string[];
  readonly hidden: boolean;
  readonly target: CommandTarget;
}

const planOption = z.object({
  plan: z.boolean().default(false).describe('Show what would be written and done, and change nothing'),
});

const waitOptions = z.object({
  wait: z.boolean().default(true).describe('Wait for the end of the work and show its progress'),
  timeoutS: z.number().positive().optional().describe('Stop waiting after this time; the work goes on'),
});

const escapeOption = z.object({
  escape: z
    .string()
    .regex(/^(?:none|(?:\^|ctrl-)[a-z@[\]\\^_])$/i, 'an escape is ^A to ^Z, ^], ^\\, ^_ or "none"')
    .default('^]')
    .describe('Key that leaves the console'),
});

/** The file that an upload reads and a download writes. */
const fileOptions = {
  upload: z.object({ file: z.string().min(1).describe('File to send, or `-` for standard input') }),
  download: z.object({
    file: z.string().min(1).describe('File to write, or `-` for standard output'),
    force: z.boolean().default(false).describe('Replace a file that is there already'),
  }),
};
const fileArguments = [{ field: 'file', complete: 'file' }] as const;

/** What a command takes because of what it is: `--plan`, `--wait`, `--escape`, the FILE of a stream. */
export function controlSchema(target: CommandTarget): z.ZodObject {
  if (target.type === 'local') return z.object({});
  const { operation, cli } = target;
  let schema: z.ZodObject = z.object({});
  if (operation.type === 'mutation') schema = schema.extend(planOption.shape);
  if (operation.type === 'mutation' && cli.waits) schema = schema.extend(waitOptions.shape);
  if (operation.type === 'channel') schema = schema.extend(escapeOption.shape);
  if (operation.type === 'upload' || operation.type === 'download')
    schema = schema.extend(fileOptions[operation.type].shape);
  return schema;
}

/** The schema of what a command takes. */
export const inputSchema = (target: CommandTarget): z.ZodObject =>
  target.type === 'local' ? target.local.input : (target.operation.input as z.ZodObject);

/** A command with a hand of its own may find out by itself (in an editor) what the operation needs. */
const mayAskItself = (target: CommandTarget): boolean => target.type === 'operation' && target.cli.run !== undefined;

const isStream = (target: CommandTarget): boolean =>
  target.type === 'operation' && ['upload', 'download'].includes(target.operation.type);

/** Positional arguments of a command. */
export function commandArguments(spec: CommandSpec): ArgumentSpec[] {
  const { target } = spec;
  const given = (target.type === 'local' ? target.local.arguments : target.cli.arguments) ?? [];
  const owner = spec.path.join(' ');
  const specs = [
    ...argumentSpecs('input', inputSchema(target), given, owner),
    ...argumentSpecs('control', controlSchema(target), isStream(target) ? fileArguments : [], owner),
  ];
  if (!mayAskItself(target)) return specs;
  return specs.map((one) => (one.cli.from === undefined ? one : { ...one, required: false }));
}

/** Options of a command, without the global ones. @throws Error when two of them have one name: a fault of its author. */
export function commandOptions(spec: CommandSpec): OptionSpec[] {
  const { target } = spec;
  const owner = spec.path.join(' ');
  const given = target.type === 'local' ? target.local : target.cli;
  const taken = (given.arguments ?? []).map((argument) => argument.field);
  const own = [
    ...optionSpecs('input', inputSchema(target), given.options ?? {}, taken, owner),
    ...(target.type === 'operation' && target.cli.flags !== undefined
      ? optionSpecs('flag', target.cli.flags, given.options ?? {}, [], owner)
      : []),
  ];
  const isOwn = (long: string): boolean => own.some((option) => option.long === long);
  const control = optionSpecs(
    'control',
    controlSchema(target),
    {
      timeoutS: { flag: isOwn('timeout') ? 'wait-timeout' : 'timeout' },
      escape: { value: 'KEY' },
      force: { flag: isOwn('force') ? 'overwrite' : 'force' },
    },
    fileArguments.map(({ field }) => field),
    owner,
  ).map(
    // --no-plan and the like would only be noise.
    (option): OptionSpec => ({ ...option, negatable: option.long === 'wait' }),
  );
  const optional = (option: OptionSpec): OptionSpec => ({ ...option, field: { ...option.field, required: false } });
  const all = [...(mayAskItself(target) ? own.map(optional) : own), ...control];
  const names = all.flatMap((option) => [
    option.long,
    ...(option.negatable ? [`no-${option.long}`] : []),
    ...(option.short === undefined ? [] : [`-${option.short}`]),
  ]);
  const twice = names.find((name, index) => names.indexOf(name) !== index || name === 'help' || name === '-h');
  if (twice !== undefined) throw new Error(`${owner}: the option ${twice} is there twice`);
  return all;
}

/** Every command there is: those of the operations and the local ones. */
export function commandSpecs(registry: OperationRegistry, locals: readonly LocalCommand[]): CommandSpec[] {
  const specs: CommandSpec[] = locals.map((local) => ({
    path: local.command.split(' '),
    aliases: local.aliases ?? [],
    summary: local.summary,
    description: local.description,
    examples: local.examples ?? [],
    hidden: local.hidden ?? false,
    target: { type: 'local', local },
  }));
  for (const { operation, plugin } of registry.all()) {
    const { cli } = operation;
    if (cli === undefined) continue;
    specs.push({
      path: cli.command.split(' '),
      aliases: cli.aliases ?? [],
      summary: operation.summary,
      description: operation.description,
      examples: cli.examples ?? [],
      hidden: cli.hidden ?? false,
      target: { type: 'operation', operation, cli, plugin },
    });
  }
  return specs;
}
