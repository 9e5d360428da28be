/**
 * The options and arguments of a command, derived from a zod object and the hints beside it.
 * @module
 */
import type { z } from 'zod';
import type { CliArgument, CliOption } from '../operation/cli-spec.ts';
import { formatDuration, formatMiB } from '../render/quantity.ts';
import { type FieldShape, fieldShapes, type Shape } from '../render/value-shape.ts';

/** Where the value of an option goes. */
export type OptionSource = 'input' | 'flag' | 'control' | 'global';

export interface OptionSpec {
  readonly source: OptionSource;
  readonly field: FieldShape;
  readonly cli: CliOption;
  /** Without dashes. */
  readonly long: string;
  readonly short: string | undefined;
  /** Word for the value; undefined for a switch. */
  readonly value: string | undefined;
  /** May be given several times. */
  readonly repeat: boolean;
  /** `--no-LONG` exists: it says no, or empties a list, or clears the value. */
  readonly negatable: boolean;
  /** Other spellings, not shown. */
  readonly also: readonly string[];
}

/** Under which a line's text for an option is kept. */
export const optionKey = (option: OptionSpec): string => `${option.source}:${option.field.name}`;

export interface ArgumentSpec {
  readonly source: OptionSource;
  readonly field: FieldShape;
  readonly cli: CliArgument;
  /** Word for it in the help. */
  readonly value: string;
  readonly required: boolean;
  readonly rest: boolean;
}

/** `maxDowntimeMs` → `max-downtime-ms`, `memoryMiB` → `memory-mib`. */
export function kebabCase(name: string): string {
  return name
    .replace(/(?:[KMGT]iB)/g, (unit) => `-${unit.toLowerCase()}`)
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .replace(/^-/, '');
}

const isSwitch = (shape: Shape, cli: CliOption): boolean => shape.type === 'boolean' && cli.from === undefined;

function valueWord(field: FieldShape, cli: CliOption): string {
  if (cli.value !== undefined) return cli.value;
  if (cli.from === 'file') return 'FILE';
  if (cli.from === 'json') return 'JSON';
  const shape = field.shape.type === 'list' ? field.shape.item : field.shape;
  if (cli.from === 'pairs' || shape.type === 'object' || shape.type === 'record') return 'KEY=VALUE,…';
  if (shape.type === 'choice') {
    const words = shape.values.join('|');
    if (words.length <= 40) return words;
  }
  if (field.unit === 'ms' || field.unit === 's') return 'TIME';
  if (field.unit !== undefined) return 'SIZE';
  if (shape.type === 'number') return 'NUMBER';
  return kebabCase(field.name).replace(/^.*-/, '').toUpperCase();
}

/** Options of every field of a schema that is not `taken` by an argument. */
export function optionSpecs(
  source: OptionSource,
  schema: z.ZodObject,
  hints: Readonly<Record<string, CliOption>>,
  taken: readonly string[],
  owner: string,
): OptionSpec[] {
  const specs: OptionSpec[] = [];
  for (const [name, field] of fieldShapes(schema.shape)) {
    const cli = hints[name] ?? {};
    if (taken.includes(name) || cli.hidden) continue;
    const long = cli.flag ?? kebabCase(name);
    // commander, and people, read --no-x as the opposite of --x.
    if (long.startsWith('no-'))
      throw new Error(`${owner}: give the field ${name} a flag that does not begin with "no-"`);
    const isList = field.shape.type === 'list';
    const plain = isSwitch(field.shape, cli);
    specs.push({
      source,
      field,
      cli,
      long,
      short: cli.short,
      value: plain ? undefined : valueWord(field, cli),
      repeat: isList && cli.from !== 'json',
      negatable: plain || field.nullable || (isList && !field.required && field.default === undefined),
      also: [],
    });
  }
  return specs;
}

/** The positional arguments, in order. */
export function argumentSpecs(
  source: OptionSource,
  schema: z.ZodObject,
  given: readonly CliArgument[],
  owner: string,
): ArgumentSpec[] {
  const fields = fieldShapes(schema.shape);
  return given.map((cli) => {
    const field = fields.get(cli.field);
    if (field === undefined) throw new Error(`${owner}: argument ${cli.field} is no field of its input`);
    if (cli.rest && field.shape.type !== 'list')
      throw new Error(`${owner}: argument ${cli.field} takes the rest, so its field must be a list`);
    return {
      source,
      field,
      cli,
      value: cli.value ?? kebabCase(cli.field).toUpperCase(),
      required: field.required,
      rest: cli.rest === true,
    };
  });
}

/** A default as somebody would type it; empty where there is nothing to say. */
export function defaultText(field: FieldShape): string {
  const value = field.default;
  if (value === undefined || value === null || value === '' || value === false) return '';
  if (field.unit === 'ms' && typeof value === 'number') return formatDuration(value);
  if (field.unit === 's' && typeof value === 'number') return formatDuration(value * 1000);
  if (field.unit === 'MiB' && typeof value === 'number') return formatMiB(value);
  if (Array.isArray(value))
    return value.length === 0
      ? ''
      : value.every((item) => typeof item !== 'object')
        ? value.join(', ')
        : JSON.stringify(value);
  if (typeof value === 'object') return Object.keys(value).length === 0 ? '' : JSON.stringify(value);
  return value === true ? 'yes' : String(value);
}

/** `-n, --node NODE`, `--[no-]autostart`. */
export function optionUsage(option: OptionSpec): string {
  const short = option.short === undefined ? '' : `-${option.short}, `;
  if (option.value !== undefined) return `${short}--${option.long} ${option.value}`;
  // The opposite of what is so anyway is understood, but not worth a place in the help.
  return `${short}--${option.negatable && option.field.default !== false ? '[no-]' : ''}${option.long}`;
}

/** The help of an option: its description, then choices, repetition, default and whether it must be given. */
export function optionHelp(
  field: FieldShape,
  cli: CliOption,
  shown: { readonly value: string | undefined; readonly repeat?: boolean; readonly optional?: boolean },
): string {
  const notes: string[] = [];
  const shape = field.shape.type === 'list' ? field.shape.item : field.shape;
  if (shape.type === 'choice' && shown.value !== shape.values.join('|'))
    notes.push(`one of ${[...(cli.words ?? []), ...shape.values].join(', ')}`);
  if (cli.from === 'file') notes.push('`-` is standard input');
  if (shown.repeat && !field.description.includes('repeated')) notes.push('may be repeated');
  const byDefault = defaultText(field);
  if (byDefault !== '') notes.push(`default ${byDefault}`);
  if (field.required && shown.optional) notes.push('required');
  // Authors begin with a small letter or a capital one; the help always has the capital one.
  const text = field.description.replace(/\.$/, '').replace(/^[a-z](?=[a-z]*\b)/, (letter) => letter.toUpperCase());
  return notes.length === 0 ? text : `${text}${text === '' ? '' : ' '}(${notes.join('; ')})`;
}
