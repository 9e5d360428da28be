/** Query strings as input: words become what the field's schema wants. @module */
import type { z } from 'zod';

/** The part of a zod schema's definition that tells its shape (zod 4, `schema.def`). */
interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly element?: Schema;
  readonly options?: readonly Schema[];
  readonly in?: Schema;
  readonly out?: Schema;
  readonly getter?: () => Schema;
  readonly values?: readonly unknown[];
}
type Schema = z.ZodType & { readonly def: Definition };

const wrappers = new Set(['optional', 'nullable', 'default', 'prefault', 'nonoptional', 'readonly', 'catch']);

/** The schema below defaults and the like. */
function bare(schema: Schema): Schema {
  const { def } = schema;
  if (wrappers.has(def.type) && def.innerType !== undefined) return bare(def.innerType);
  if (def.type === 'lazy' && def.getter !== undefined) return bare(def.getter());
  if (def.type === 'pipe' && def.in !== undefined && def.out !== undefined) {
    // z.preprocess is a pipe whose first half says nothing of the shape.
    return bare(def.in).def.type === 'transform' ? bare(def.out) : bare(def.in);
  }
  return schema;
}

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** One word as the schema wants it; unchanged when it cannot be that, so that the schema says what is wrong. */
function coerce(schema: Schema, text: string): unknown {
  const { def } = bare(schema);
  switch (def.type) {
    case 'number':
    case 'int':
      return number.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'null':
      return text === 'null' ? null : text;
    case 'literal':
      return def.values?.find((value) => String(value) === text) ?? text;
    case 'union': {
      const tries = (def.options ?? []).map((option) => ({ option, value: coerce(option, text) }));
      return (
        tries.find(({ option, value }) => option.safeParse(value).success)?.value ??
        tries.find(({ value }) => typeof value !== 'string')?.value ??
        text
      );
    }
    case 'object':
    case 'record':
    case 'tuple':
    case 'array':
    case 'intersection':
    case 'unknown':
    case 'any':
      return jsonOr(text);
    default:
      return text;
  }
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON: the schema refuses the text and says what it wants.
    return text;
  }
}

/** A field that came as these words. */
export function coerceField(schema: z.ZodType | undefined, words: readonly string[]): unknown {
  const [first = ''] = words;
  if (schema === undefined) return words.length > 1 ? words : first;
  const inner = bare(schema);
  if (inner.def.type === 'array' && inner.def.element !== undefined) {
    const { element } = inner.def;
    // An empty list cannot be said by repeating a name; one JSON array says any list.
    if (words.length === 1 && first.startsWith('[') && first.endsWith(']')) {
      const whole = jsonOr(first);
      if (Array.isArray(whole)) return whole;
    }
    return words.map((word) => coerce(element, word));
  }
  return words.length > 1 ? words : coerce(inner, first);
}

/** Fields by name, from `?a=1&b=x&b=y`. A name that the shape does not have is kept: the strict schema refuses it. */
export function queryInput(
  shape: Readonly<Record<string, z.ZodType>>,
  query: URLSearchParams,
): Record<string, unknown> {
  return Object.fromEntries(
    [...new Set(query.keys())].map((name) => [
      name,
      coerceField(Object.hasOwn(shape, name) ? shape[name] : undefined, query.getAll(name)),
    ]),
  );
}
