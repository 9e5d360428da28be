/**
 * What a field of a zod schema looks like to somebody who types: text, number, choice, list, object.
 * Options, their help, their completion and the columns of tables are derived from it.
 * @module
 */
import type { z } from 'zod';

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'ms', 's'] as const;
export type Unit = (typeof units)[number];

export type Shape =
  | { readonly type: 'text' }
  | { readonly type: 'number'; readonly integer: boolean }
  | { readonly type: 'boolean' }
  | { readonly type: 'choice'; readonly values: readonly (string | number)[] }
  | { readonly type: 'list'; readonly item: Shape }
  | { readonly type: 'object'; readonly fields: ReadonlyMap<string, FieldShape> }
  | { readonly type: 'record'; readonly value: Shape }
  /** One of several; objects are told apart by their fields. */
  | { readonly type: 'either'; readonly options: readonly Shape[] }
  /** Anything that JSON can say. */
  | { readonly type: 'any' };

/** A field of an object: its shape, and what the schema says around it. */
export interface FieldShape {
  readonly name: string;
  readonly shape: Shape;
  /** It must be given: neither optional nor with a default. */
  readonly required: boolean;
  readonly nullable: boolean;
  /** The value it has when it is not given, where the schema names one. */
  readonly default: unknown;
  readonly description: string;
  /** From the name's ending (`memoryMiB`, `timeoutS`), or as the schema says with `.meta({ unit: 'MiB' })`. */
  readonly unit: Unit | undefined;
}

// zod's own types are of no help for walking a schema of unknown shape; this is the part of its definition that is read here.
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly entries?: Record<string, string | number>;
  readonly values?: readonly (string | number | boolean | null | undefined | bigint)[];
  readonly element?: z.ZodType;
  readonly shape?: Record<string, z.ZodType>;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly getter?: () => z.ZodType;
  readonly items?: readonly z.ZodType[];
  readonly left?: z.ZodType;
  readonly right?: z.ZodType;
}

const definitionOf = (schema: z.ZodType): Definition => schema.def;

const integerFormats = new Set(['safeint', 'int32', 'uint32']);

const unitEndings: readonly [RegExp, Unit][] = [
  [/(?:[a-z0-9]Bytes|^bytes)$/, 'bytes'],
  [/KiB$/, 'KiB'],
  [/MiB$/, 'MiB'],
  [/GiB$/, 'GiB'],
  [/[a-z0-9]Ms$/, 'ms'],
  [/[a-z0-9]S$/, 's'],
];

/** The unit that a field's name carries. */
export const unitOf = (name: string): Unit | undefined => unitEndings.find(([ending]) => ending.test(name))?.[1];

/** The shape of one field: looks through optional, default, nullable and transforms to what a caller writes. */
export function fieldShape(name: string, schema: z.ZodType): FieldShape {
  let required = true;
  let nullable = false;
  let byDefault: unknown;
  let description = '';
  let unit: Unit | undefined;
  let at = schema;
  for (;;) {
    const meta = at.meta();
    description ||= meta?.description ?? '';
    unit ??= units.find((known) => known === meta?.['unit']);
    const definition = definitionOf(at);
    if (definition.type === 'optional' || definition.type === 'exactOptional') required = false;
    else if (definition.type === 'nullable') nullable = true;
    else if (definition.type === 'default' || definition.type === 'prefault' || definition.type === 'catch') {
      required = false;
      if (definition.type !== 'catch') byDefault ??= definition.defaultValue;
    }
    const inner = innerOf(definition);
    if (inner === undefined) break;
    at = inner;
  }
  const shape = shapeOf(at);
  return {
    name,
    shape,
    required,
    nullable,
    default: byDefault,
    description,
    unit: shape.type === 'number' ? (unit ?? unitOf(name)) : undefined,
  };
}

/** What a wrapper wraps, as the caller's side sees it; undefined for a schema that is no wrapper. */
function innerOf(definition: Definition): z.ZodType | undefined {
  switch (definition.type) {
    case 'optional':
    case 'exactOptional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'nonoptional':
      return definition.innerType;
    case 'lazy':
      return definition.getter?.();
    case 'pipe': {
      const { in: before, out } = definition;
      // A preprocess step is a pipe that starts with a bare function; what it feeds says more.
      return before !== undefined && definitionOf(before).type === 'transform' ? out : before;
    }
    default:
      return undefined;
  }
}

/** The shape of a value. */
export function shapeOf(schema: z.ZodType): Shape {
  const definition = definitionOf(schema);
  const inner = innerOf(definition);
  if (inner !== undefined) return shapeOf(inner);
  switch (definition.type) {
    case 'string':
    case 'template_literal':
      return { type: 'text' };
    case 'number': {
      return { type: 'number', integer: integerFormats.has((schema as { format?: string | null }).format ?? '') };
    }
    case 'boolean':
      return { type: 'boolean' };
    case 'enum':
      return { type: 'choice', values: Object.values(definition.entries ?? {}) };
    case 'literal':
      return literalShape(definition.values ?? []);
    case 'array':
    case 'set':
      return { type: 'list', item: definition.element === undefined ? { type: 'any' } : shapeOf(definition.element) };
    case 'object':
      return { type: 'object', fields: fieldShapes(definition.shape ?? {}) };
    case 'record':
      return {
        type: 'record',
        value: definition.valueType === undefined ? { type: 'any' } : shapeOf(definition.valueType),
      };
    case 'union':
      return either((definition.options ?? []).map(shapeOf));
    case 'intersection':
      return joined(definition.left, definition.right);
    default:
      return { type: 'any' };
  }
}

/** Shapes of all fields, in the order of the schema. */
export function fieldShapes(shape: Readonly<Record<string, z.ZodType>>): Map<string, FieldShape> {
  return new Map(Object.entries(shape).map(([name, schema]) => [name, fieldShape(name, schema)]));
}

function literalShape(values: readonly unknown[]): Shape {
  if (values.every((value) => typeof value === 'boolean')) return { type: 'boolean' };
  const named = values.filter(
    (value): value is string | number => typeof value === 'string' || typeof value === 'number',
  );
  return named.length === values.length ? { type: 'choice', values: named } : { type: 'any' };
}

/** Choices that stand side by side are one choice. */
function either(options: readonly Shape[]): Shape {
  const flat = options.flatMap((option) => (option.type === 'either' ? option.options : [option]));
  const values = flat.flatMap((option) => (option.type === 'choice' ? option.values : []));
  const others = flat.filter((option) => option.type !== 'choice');
  const all: Shape[] = values.length > 0 ? [{ type: 'choice', values: [...new Set(values)] }, ...others] : others;
  return all.length === 1 && all[0] !== undefined ? all[0] : { type: 'either', options: all };
}

function joined(left: z.ZodType | undefined, right: z.ZodType | undefined): Shape {
  if (left === undefined || right === undefined) return { type: 'any' };
  const [one, two] = [shapeOf(left), shapeOf(right)];
  return one.type === 'object' && two.type === 'object'
    ? { type: 'object', fields: new Map([...one.fields, ...two.fields]) }
    : { type: 'any' };
}
