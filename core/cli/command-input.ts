/** From the texts of a line to the input of an operation: conversion, files, and the schema's word on it. @module */
import type { z } from 'zod';
import { errorText } from '../error/error.ts';
import type { Files } from '../host/host.ts';
import type { CliOption } from '../operation/cli-spec.ts';
import type { FieldShape } from '../render/value-shape.ts';
import { cliError, usageError } from './cli-errors.ts';
import type { OptionText, ParsedLine } from './commander-program.ts';
import { type OptionSource, optionKey } from './option-spec.ts';
import { parseValue, ValueProblem } from './parse-value.ts';

/** What texts may be read from. */
export interface InputSources {
  readonly files: Pick<Files, 'readText'>;
  readStandardInput(): Promise<string>;
}

/** Fields of one source, converted. @throws PvcError OPTION_INVALID, INPUT_FILE, USAGE */
export async function fieldsOf(
  line: ParsedLine,
  source: OptionSource,
  sources: InputSources,
): Promise<Record<string, unknown>> {
  const out: Record<string, unknown> = {};
  const command = line.spec.path.join(' ');
  const read = onceFromStandardInput(sources);
  for (const [index, argument] of line.arguments.entries()) {
    const text = line.words[index];
    if (argument.source !== source || text === undefined || (Array.isArray(text) && text.length === 0)) continue;
    out[argument.field.name] = await convert(
      text as OptionText,
      argument.field,
      argument.cli,
      argument.value,
      command,
      read,
    );
  }
  for (const option of line.options) {
    if (option.source !== source) continue;
    const text = line.values.get(optionKey(option));
    if (text === undefined) continue;
    out[option.field.name] = await convert(text, option.field, option.cli, `--${option.long}`, command, read);
  }
  return out;
}

type ReadText = (label: string, path: string) => Promise<string>;

function onceFromStandardInput(sources: InputSources): ReadText {
  let reader: string | undefined;
  return async (label, path) => {
    if (path === '-') {
      if (reader !== undefined)
        throw usageError(`Both ${reader} and ${label} want standard input.`, 'Give one of them as a file.');
      reader = label;
      return sources.readStandardInput();
    }
    let text: string | undefined;
    try {
      text = await sources.files.readText(path);
    } catch (error) {
      throw cliError('INPUT_FILE', { option: label, path, reason: errorText(error) }, { cause: error });
    }
    if (text === undefined) throw cliError('INPUT_FILE', { option: label, path, reason: 'there is no such file' });
    return text;
  };
}

async function convert(
  text: OptionText,
  field: FieldShape,
  cli: CliOption,
  label: string,
  command: string,
  read: ReadText,
): Promise<unknown> {
  // `--x` and `--no-x`; the second empties a list and clears what may be nothing.
  if (typeof text === 'boolean') return field.shape.type === 'boolean' ? text : field.shape.type === 'list' ? [] : null;
  const one = async (word: string): Promise<unknown> => {
    if (cli.from === 'file') return read(label, word);
    if (cli.words?.includes(word) === true) return word;
    try {
      return parseValue(word, field.shape, { unit: field.unit, json: cli.from === 'json', lone: cli.lone });
    } catch (error) {
      if (error instanceof ValueProblem)
        throw cliError('OPTION_INVALID', { option: label, problem: error.message, command }, { cause: error });
      throw error;
    }
  };
  if (typeof text === 'string') {
    const value = await one(text);
    return field.shape.type === 'list' && !Array.isArray(value) ? [value] : value;
  }
  const values: unknown[] = [];
  for (const word of text) {
    const value = await one(word);
    // One occurrence may bring a whole list, written as JSON.
    if (Array.isArray(value)) values.push(...value);
    else values.push(value);
  }
  return values;
}

/**
 * Lets the schema judge what was typed, and says what is wrong in words of the command line.
 * @throws PvcError OPTION_INVALID with one detail per problem
 */
export async function checkInput<S extends z.ZodObject>(
  schema: S,
  given: Record<string, unknown>,
  line: ParsedLine,
): Promise<z.output<S>> {
  const parsed = await schema.safeParseAsync(given);
  if (parsed.success) return parsed.data;
  const command = line.spec.path.join(' ');
  const problems = parsed.error.issues.map((issue): [string, string] => {
    const [field, ...rest] = issue.path.map(String);
    const label = field === undefined ? 'input' : labelOf(field, line);
    const missing =
      issue.code === 'invalid_type' && field !== undefined && rest.length === 0 && given[field] === undefined;
    const problem = missing ? 'must be given' : issueText(issue);
    return [label, rest.length === 0 ? problem : `${rest.join('.')}: ${problem}`];
  });
  const [first = ['input', 'not valid'] as const] = problems;
  const details = problems.length > 1 ? problems.map(([label, problem]) => `${label}: ${problem}`) : [];
  if (problems.length > 1)
    throw cliError(
      'OPTION_INVALID',
      { option: `pvc ${command}`, problem: `${problems.length} values are missing or wrong.`, command },
      { details },
    );
  throw cliError('OPTION_INVALID', { option: first[0], problem: first[1], command });
}

/** The option or argument behind a field. */
export function labelOf(field: string, line: ParsedLine): string {
  const argument = line.arguments.find((candidate) => candidate.field.name === field);
  if (argument !== undefined) return argument.value;
  const option = line.options.find((candidate) => candidate.field.name === field);
  return option === undefined ? field : `--${option.long}`;
}

/** zod's sentence without the words that only a program needs. */
function issueText(issue: z.core.$ZodIssue): string {
  if ((issue.code === 'too_big' || issue.code === 'too_small') && ['number', 'int'].includes(issue.origin)) {
    const bound = issue.code === 'too_big' ? issue.maximum : issue.minimum;
    const words =
      issue.code === 'too_big'
        ? issue.inclusive
          ? 'at most'
          : 'less than'
        : issue.inclusive
          ? 'at least'
          : 'more than';
    return `must be ${words} ${bound}`;
  }
  const text = issue.message.replace(/^Invalid (?:input|option): /, '');
  return text.charAt(0).toLowerCase() + text.slice(1);
}
