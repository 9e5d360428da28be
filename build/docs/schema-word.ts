/** A JSON Schema in a few words, for a cell of a table. Pure. @module */
import type { z } from 'zod';

type Schema = z.core.JSONSchema.JSONSchema;

const range = ({ minimum, maximum }: Schema): string => {
  // zod gives every whole number the bounds of what JavaScript counts exactly.
  const from = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const to = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (from === undefined && to === undefined) return '';
  if (to === undefined) return ` ≥ ${from}`;
  return from === undefined ? ` ≤ ${to}` : ` ${from} to ${to}`;
};

export function schemaWord(schema: Schema): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return [...new Set(choices.map((choice) => schemaWord(choice)))].join(' or ');
  const { type } = schema as { type?: unknown };
  // Several types in a row: zod writes what may be null so.
  if (Array.isArray(type)) return type.map((one) => schemaWord({ ...schema, type: one as 'string' })).join(' or ');
  switch (schema.type) {
    case 'integer':
      return `whole number${range(schema)}`;
    case 'number':
      return `number${range(schema)}`;
    case 'boolean':
      return 'true or false';
    case 'string':
      return schema.format === 'ipv4' || schema.format === 'ipv6' ? schema.format.replace('ip', 'IP') : 'text';
    case 'array':
      return `list of ${schema.items === undefined ? 'anything' : schemaWord(schema.items as Schema)}`;
    case 'object': {
      const fields = Object.keys(schema.properties ?? {});
      return fields.length === 0 ? 'object' : `object of ${fields.join(', ')}`;
    }
    case 'null':
      return 'nothing';
    default:
      return 'anything';
  }
}
