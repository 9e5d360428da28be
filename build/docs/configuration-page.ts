/** Every field of `pvc.yaml` with its default, from the schemas that check it. @module */
import { z } from 'zod';
import { code, generated, markdownPage, markdownTable } from './markdown.ts';
import { schemaWord } from './schema-word.ts';

type Schema = z.core.JSONSchema.JSONSchema;

const schemaOf = (schema: z.ZodType): Schema => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });

/** One row for each field that holds no others. */
function rows(schema: Schema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([field, value]) => {
    const property = value as Schema;
    const name = prefix === '' ? field : `${prefix}.${field}`;
    const [only, ...others] = property.oneOf ?? [];
    const inner = only !== undefined && others.length === 0 ? only : property;
    if (inner.properties !== undefined) return rows(inner, name);
    const description = property.description ?? '';
    const shown = property.default === undefined ? '' : code(JSON.stringify(property.default));
    return [[code(name), schemaWord(property), shown, description]];
  });
}

export interface ConfigSection {
  readonly plugin: string;
  readonly schema: z.ZodType;
}

export function configurationPage(core: z.ZodType, sections: readonly ConfigSection[]): string {
  const head = ['Field', 'Value', 'Default', ''];
  return markdownPage([
    '# Fields of pvc.yaml',
    generated('the schemas that check the file'),
    'Every field may be left out. What it is all for: [configuration](../configuration.md).',
    markdownTable(head, rows(schemaOf(core), '')),
    ...sections.flatMap(({ plugin, schema }) => [
      `## plugins.${plugin}`,
      markdownTable(head, rows(schemaOf(schema), `plugins.${plugin}`)),
    ]),
  ]);
}
