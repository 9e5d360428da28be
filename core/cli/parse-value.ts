/**
 * The text of an option as the value that its field takes. What is wrong is told in one sentence, as
 * `ValueProblem`; the caller knows the option's name.
 * @module
 */
import type { FieldShape, Shape, Unit } from '../render/value-shape.ts';

/** What is wrong with a text; the message is a part of a sentence. */
export class ValueProblem extends Error {}

const yes = ['true', 'yes', 'on', '1'];
const no = ['false', 'no', 'off', '0'];

const sizes: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  p: 1024 ** 5,
};
const times: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };
const scale: Readonly<Record<Unit, number>> = { bytes: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, ms: 1, s: 1000 };

export interface ParseHints {
  readonly unit?: Unit | undefined;
  /** The whole text is JSON. */
  readonly json?: boolean;
  /** With `a=b,c=d`: the field that a word without `=` is for. */
  readonly lone?: string | undefined;
}

/** @throws ValueProblem */
export function parseValue(text: string, shape: Shape, hints: ParseHints = {}): unknown {
  if (hints.json) return parseJson(text);
  switch (shape.type) {
    case 'text':
      return text;
    case 'number':
      return parseNumber(text, shape.integer, hints.unit);
    case 'boolean':
      if (yes.includes(text.toLowerCase())) return true;
      if (no.includes(text.toLowerCase())) return false;
      throw new ValueProblem(`"${text}" is neither yes nor no`);
    case 'choice': {
      const found = shape.values.find((value) => String(value) === text);
      if (found === undefined) throw new ValueProblem(`"${text}" is not one of ${shape.values.join(', ')}`);
      return found;
    }
    case 'list':
      // A text may begin with a bracket; everything else that does is a list written as JSON.
      return text.startsWith('[') && shape.item.type !== 'text' ? parseJson(text) : parseValue(text, shape.item, hints);
    case 'object':
      return text.startsWith('{') ? parseJson(text) : fromPairs(splitPairs(text), shape.fields, hints.lone);
    case 'record':
      return text.startsWith('{')
        ? parseJson(text)
        : Object.fromEntries(
            splitPairs(text).map(([key, value]) => [key, parseValue(needValue(key, value), shape.value)]),
          );
    case 'either':
      return parseEither(text, shape.options, hints);
    case 'any':
      return parseAny(text);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ValueProblem(`not JSON: ${(error as Error).message}`);
  }
}

function parseAny(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text; // a bare word is a text: nobody quotes "x" twice on a shell
  }
}

/** A plain number is in the field's own unit; `4G`, `90s` are converted to it. */
function parseNumber(text: string, integer: boolean, unit: Unit | undefined): number {
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?) ?([a-z]*)$/i.exec(text);
  const amount = Number(match?.[1] ?? Number.NaN);
  if (match === null || !Number.isFinite(amount)) throw new ValueProblem(`"${text}" is not a number${unitHelp(unit)}`);
  const value = (match[2] ?? '') === '' ? amount : converted(text, amount, match[2] as string, unit);
  if (integer && !Number.isSafeInteger(value)) {
    throw new ValueProblem(
      unit === undefined ? `"${text}" is not a whole number` : `"${text}" is not a whole number of ${unit}`,
    );
  }
  return value;
}

function converted(text: string, amount: number, suffix: string, unit: Unit | undefined): number {
  if (unit === undefined) throw new ValueProblem(`"${text}" is not a number`);
  const word = suffix.toLowerCase();
  const factor = unit === 'ms' || unit === 's' ? times[word] : sizes[word.replace(/(?<=[kmgtp])i?b?$/, '')];
  if (factor === undefined) throw new ValueProblem(`"${text}" has the unknown unit "${suffix}"${unitHelp(unit)}`);
  return (amount * factor) / scale[unit];
}

const unitHelp = (unit: Unit | undefined): string =>
  unit === undefined
    ? ''
    : unit === 'ms' || unit === 's'
      ? ` (in ${unit}, or with a unit: 500ms, 30s, 5m, 2h)`
      : ` (in ${unit}, or with a unit: 512M, 4G)`;

function parseEither(text: string, options: readonly Shape[], hints: ParseHints): unknown {
  const objects = options.filter((option) => option.type === 'object');
  if (objects.length > 0 && text.startsWith('{')) return parseJson(text);
  const problems: string[] = [];
  const order: Shape['type'][] = ['choice', 'number', 'boolean', 'list', 'record', 'text', 'any'];
  for (const type of order) {
    for (const option of options.filter((candidate) => candidate.type === type)) {
      try {
        return parseValue(text, option, hints);
      } catch (error) {
        if (!(error instanceof ValueProblem)) throw error;
        problems.push(error.message);
      }
    }
  }
  if (objects.length > 0) return fromVariants(splitPairs(text), objects, hints.lone);
  throw new ValueProblem(problems.join(', and '));
}

type Pair = readonly [key: string, value: string | undefined];

/** `a=b,c` as pairs; a backslash keeps a comma, an equals sign or a backslash as it is. */
export function splitPairs(text: string): Pair[] {
  const pairs: Pair[] = [];
  let key: string | undefined;
  let part = '';
  const end = (): void => {
    if (key !== undefined) pairs.push([key, part]);
    else if (part !== '') pairs.push([part, undefined]);
    key = undefined;
    part = '';
  };
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] as string;
    if (char === '\\' && [',', '=', '\\'].includes(text[index + 1] ?? '')) {
      part += text[index + 1];
      index += 1;
    } else if (char === ',') end();
    else if (char === '=' && key === undefined) {
      key = part;
      part = '';
    } else part += char;
  }
  end();
  return pairs;
}

function needValue(key: string, value: string | undefined): string {
  if (value === undefined) throw new ValueProblem(`"${key}" has no value; write ${key}=VALUE`);
  return value;
}

/** Keys with dots go into the objects inside. */
function fromPairs(
  pairs: readonly Pair[],
  fields: ReadonlyMap<string, FieldShape>,
  lone: string | undefined,
): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  const inner = new Map<string, Pair[]>();
  for (const [key, value] of pairs) {
    const dot = key.indexOf('.');
    const [head, tail] = dot === -1 ? [key, undefined] : [key.slice(0, dot), key.slice(dot + 1)];
    const field = fields.get(head);
    if (tail !== undefined && field !== undefined) {
      inner.set(head, [...(inner.get(head) ?? []), [tail, value]]);
    } else if (field !== undefined && value === undefined && field.shape.type === 'boolean') out[head] = true;
    else if (field !== undefined) set(out, field, needValue(key, value));
    else if (value === undefined && lone !== undefined && fields.has(lone) && !(lone in out))
      set(out, fields.get(lone) as FieldShape, key);
    else throw new ValueProblem(`there is no "${key}" in it; it takes ${[...fields.keys()].join(', ')}`);
  }
  for (const [head, rest] of inner) out[head] = fromNested(rest, (fields.get(head) as FieldShape).shape, head);
  return out;
}

function fromNested(pairs: readonly Pair[], shape: Shape, name: string): unknown {
  if (shape.type === 'object') return fromPairs(pairs, shape.fields, undefined);
  if (shape.type === 'record')
    return Object.fromEntries(pairs.map(([key, value]) => [key, parseValue(needValue(key, value), shape.value)]));
  if (shape.type === 'either')
    return fromVariants(
      pairs,
      shape.options.filter((option) => option.type === 'object'),
      undefined,
    );
  throw new ValueProblem(`"${name}" has no parts`);
}

function set(out: Record<string, unknown>, field: FieldShape, text: string): void {
  let value: unknown;
  try {
    value = parseValue(text, field.shape, { unit: field.unit });
  } catch (error) {
    throw error instanceof ValueProblem ? new ValueProblem(`${field.name}: ${error.message}`) : error;
  }
  if (field.shape.type === 'list')
    out[field.name] = Array.isArray(value) ? value : [...((out[field.name] as unknown[] | undefined) ?? []), value];
  else out[field.name] = value;
}

/**
 * Of several kinds of object, the one that the given fields fit. A field that can have only one value in
 * it (the word that tells the kinds apart) need not be written.
 */
function fromVariants(
  pairs: readonly Pair[],
  variants: readonly Shape[],
  lone: string | undefined,
): Record<string, unknown> {
  const fitting: Record<string, unknown>[] = [];
  const problems: string[] = [];
  for (const variant of variants) {
    if (variant.type !== 'object') continue;
    try {
      const value = fromPairs(pairs, variant.fields, lone);
      const missing = [...variant.fields.values()].filter((field) => field.required && !(field.name in value));
      for (const field of missing)
        if (field.shape.type === 'choice' && field.shape.values.length === 1) value[field.name] = field.shape.values[0];
      const absent = missing.filter((field) => !(field.name in value)).map((field) => field.name);
      if (absent.length === 0) fitting.push(value);
      else problems.push(`${absent.join(', ')} missing`);
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error;
      problems.push(error.message);
    }
  }
  if (fitting.length === 1 && fitting[0] !== undefined) return fitting[0];
  if (fitting.length === 0) throw new ValueProblem([...new Set(problems)].join('; or '));
  throw new ValueProblem('it fits more than one kind; say more of it');
}
