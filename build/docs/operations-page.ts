/** Every route of the API with its role and input, from the declarations of the operations. @module */
import { z } from 'zod';
import { apiBase } from '../../core/api/routes.ts';
import type { RegisteredOperation } from '../../core/operation/registry.ts';
import { code, generated, markdownPage, markdownTable } from './markdown.ts';
import { schemaWord } from './schema-word.ts';

const answers = {
  query: 'answers at once, changes nothing',
  mutation: 'changes something; takes `?plan=true`',
  feed: 'server-sent events; continues after `Last-Event-ID`',
  channel: 'a WebSocket',
  upload: 'takes bytes as the body, answers with server-sent events',
  download: 'answers with bytes',
} as const;

function fieldRows({ operation }: RegisteredOperation): string[][] {
  const schema = z.toJSONSchema(operation.input as z.ZodType, { io: 'input', unrepresentable: 'any' });
  const inPath = new Set([...operation.http.path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field));
  const inBody = operation.type !== 'upload' && ['POST', 'PUT', 'PATCH'].includes(operation.http.method);
  return Object.entries(schema.properties ?? {}).map(([field, value]) => {
    const needed = schema.required?.includes(field) === true;
    const property = value as z.core.JSONSchema.JSONSchema;
    return [
      code(field),
      inPath.has(field) ? 'path' : inBody ? 'body' : 'query',
      `${schemaWord(property)}${needed ? '' : property.default === undefined ? ', optional' : ''}`,
      property.default === undefined ? '' : code(JSON.stringify(property.default)),
      property.description ?? '',
    ];
  });
}

export function operationsPage(operations: readonly RegisteredOperation[]): string {
  const sorted = [...operations].sort((a, b) => (a.operation.name < b.operation.name ? -1 : 1));
  const nouns = [...new Set(sorted.map(({ operation }) => operation.name.split('.')[0] ?? ''))];
  return markdownPage([
    '# Operations and their routes',
    generated('the declarations of the operations'),
    `Each operation is a route below ${code(apiBase)}, a command, and a call of the client. How requests and answers look: [the API](../api.md). The whole description as OpenAPI 3.1 is at ${code(`${apiBase}/openapi.json`)} of every node. A role includes those before it: viewer, operator, admin.`,
    markdownTable(
      ['Operation', 'Route', 'Role', 'Kind', 'Command'],
      sorted.map(({ operation }) => [
        `[${operation.name}](#${operation.name.replaceAll('.', '')})`,
        code(`${operation.http.method} ${operation.http.path}`),
        operation.role,
        operation.type,
        operation.cli === undefined ? '' : code(`pvc ${operation.cli.command}`),
      ]),
    ),
    ...nouns.flatMap((noun) => [
      `## ${noun}`,
      ...sorted
        .filter(({ operation }) => operation.name.startsWith(`${noun}.`))
        .flatMap((registered) => {
          const { operation, plugin } = registered;
          return [
            `### ${operation.name}`,
            `${operation.summary.replace(/\.$/, '')}.${operation.description === undefined ? '' : ` ${operation.description}`}`,
            `${code(`${operation.http.method} ${apiBase}${operation.http.path}`)}, role ${operation.role}; ${answers[operation.type]}.${plugin === 'core' ? '' : ` Plugin ${plugin}.`}`,
            markdownTable(['Field', 'In', 'Type', 'Default', ''], fieldRows(registered)),
          ];
        }),
    ]),
  ]);
}
