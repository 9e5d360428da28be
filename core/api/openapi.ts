/** OpenAPI 3.1 of everything in the registry. @module */
import { z } from 'zod';
import { type Operation, roles } from '../operation/operation.ts';
import type { Route } from './routes.ts';

type Json = Record<string, unknown>;
type Schemas = Record<string, unknown>;

/** JSON Schema of a zod schema, with what it refers to moved to `components.schemas` under the operation's name. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', owner: string, components: Schemas): Json {
  const { $schema: _dialect, $defs, ...own } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  const name = (id: string): string => `${owner}.${io}.${id}`.replace(/[^A-Za-z0-9._-]/g, '_');
  let refersToItself = false;
  const moved = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moved);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        if (key !== '$ref' || typeof inner !== 'string') return [key, moved(inner)];
        if (inner === '#') refersToItself = true;
        return [key, `#/components/schemas/${inner === '#' ? name('self') : name(inner.replace('#/$defs/', ''))}`];
      }),
    );
  };
  for (const [id, inner] of Object.entries(($defs ?? {}) as Json)) components[name(id)] = moved(inner);
  const result = moved(own) as Json;
  if (!refersToItself) return result;
  components[name('self')] = result;
  return { $ref: `#/components/schemas/${name('self')}` };
}

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const jsonContent = (schema: unknown): Json => ({ 'application/json': { schema } });

/** Bytes have no schema (OpenAPI 3.1, "Considerations for file uploads"). */
const bytes: Json = { 'application/octet-stream': {} };

function answersOf(operation: Operation, output: Json): Json {
  switch (operation.type) {
    case 'query':
      return { 200: { description: 'the answer', content: jsonContent(output) } };
    case 'feed':
      return {
        200: {
          description:
            'server-sent events; the data of each is of this shape. An event "problem" tells why the feed ended early.',
          content: { 'text/event-stream': { schema: output } },
        },
      };
    case 'channel':
      return {
        101: { description: 'a WebSocket with binary frames' },
        426: { description: 'asked without a WebSocket handshake' },
      };
    case 'upload':
      return {
        200: {
          description:
            'server-sent events after the last byte has come: "progress", then "result" with the data of this shape, or "problem"',
          content: {
            'text/event-stream': {
              schema: {
                type: 'object',
                required: ['result', 'warnings', 'request'],
                properties: {
                  result: output,
                  warnings: { type: 'array', items: { type: 'string' } },
                  request: { type: 'string', description: 'id of the audit record' },
                },
              },
            },
          },
        },
      };
    case 'download':
      return {
        200: {
          description:
            'the bytes; fewer than Content-Length, or chunks without their end, are a download that was cut off',
          content: bytes,
        },
      };
    case 'mutation': {
      const done = {
        type: 'object',
        required: ['result', 'actions', 'warnings', 'tasks', 'request'],
        properties: {
          result: output,
          actions: { type: 'array', items: { type: 'string' }, description: 'what is being done, in order' },
          warnings: { type: 'array', items: { type: 'string' } },
          tasks: { type: 'array', items: { type: 'string' }, description: 'ids of the tasks that it started' },
          request: { type: 'string', description: 'id of the audit record' },
        },
      };
      const planned = { type: 'object', required: ['plan'], properties: { plan: reference('Plan') } };
      return {
        200: {
          description: 'done; or, with ?plan=true, what would be done',
          content: jsonContent({ anyOf: [done, planned] }),
        },
        202: { description: 'accepted: tasks were started that do the work', content: jsonContent(done) },
      };
    }
  }
}

function parametersOf(operation: Operation, input: Json): Json[] {
  const properties = (input.properties ?? {}) as Json;
  const required = new Set((input.required ?? []) as string[]);
  const inPath = new Set([...operation.http.path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field));
  const bodied = takesBody(operation);
  const parameters = Object.entries(properties)
    .filter(([field]) => inPath.has(field) || !bodied)
    .map(([field, schema]): Json => {
      const place = inPath.has(field) ? 'path' : 'query';
      const { description } = schema as Json;
      return {
        name: field,
        in: place,
        required: place === 'path' || required.has(field),
        schema,
        ...(description === undefined ? {} : { description }),
      };
    });
  if (operation.type === 'mutation' && !('plan' in properties)) {
    parameters.push({
      name: 'plan',
      in: 'query',
      required: false,
      schema: { type: 'boolean' },
      description: 'only show what would be done',
    });
  }
  if (operation.type === 'feed') {
    parameters.push({
      name: 'Last-Event-ID',
      in: 'header',
      required: false,
      schema: { type: 'string' },
      description: 'continue after this event',
    });
    if (!('after' in properties))
      parameters.push({
        name: 'after',
        in: 'query',
        required: false,
        schema: { type: 'string' },
        description: 'the same, in the query string',
      });
  }
  return parameters;
}

/** Its input comes in the body; that of an upload is something else. */
const takesBody = (operation: Operation): boolean =>
  operation.type !== 'upload' && ['POST', 'PUT', 'PATCH'].includes(operation.http.method);

function bodyOf(operation: Operation, input: Json): Json | undefined {
  if (operation.type === 'upload') return { required: true, content: bytes };
  if (!takesBody(operation)) return undefined;
  const inPath = new Set([...operation.http.path.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field));
  const properties = Object.fromEntries(
    Object.entries((input.properties ?? {}) as Json).filter(([field]) => !inPath.has(field)),
  );
  if (Object.keys(properties).length === 0) return undefined;
  const required = ((input.required ?? []) as string[]).filter((field) => !inPath.has(field));
  const { required: _all, ...rest } = input;
  return {
    required: required.length > 0,
    content: jsonContent({ ...rest, properties, ...(required.length === 0 ? {} : { required }) }),
  };
}

const text = { type: 'string' };
const texts = { type: 'array', items: text };

const problemSchema: Json = {
  type: 'object',
  description: 'RFC 9457',
  required: ['type', 'title', 'status', 'detail', 'code', 'hint', 'exit', 'details', 'instance'],
  properties: {
    type: { ...text, description: 'urn:pvc:error:CODE' },
    title: text,
    status: { type: 'integer' },
    detail: text,
    code: text,
    hint: { ...text, description: 'what can be done about it' },
    exit: { ...text, description: 'name of the exit code that pvc ends with' },
    details: texts,
    instance: { ...text, description: 'urn:pvc:request:ID' },
  },
};

const planSchema: Json = {
  type: 'object',
  required: ['operation', 'writes', 'actions', 'warnings', 'tasks', 'result'],
  properties: {
    operation: text,
    writes: {
      type: 'array',
      items: {
        type: 'object',
        required: ['change', 'kind', 'id', 'label'],
        properties: {
          change: { enum: ['create', 'update', 'remove', 'check'] },
          kind: text,
          id: text,
          label: text,
          before: {},
          after: {},
        },
      },
    },
    actions: texts,
    warnings: texts,
    tasks: {
      type: 'array',
      items: { type: 'object', required: ['id', 'action'], properties: { id: text, action: text, node: text } },
    },
    result: {},
  },
};

/** The whole document. */
export function openApiOf(routes: readonly Route[], version: string): Json {
  const components: Schemas = { Problem: problemSchema, Plan: planSchema };
  const paths: Record<string, Json> = {};
  const tags = new Set<string>();
  for (const { operation } of routes) {
    const [noun = ''] = operation.name.split('.');
    tags.add(noun);
    const input = schemaOf(operation.input as z.ZodType, 'input', operation.name, components);
    const output = schemaOf(operation.output as z.ZodType, 'output', operation.name, components);
    const body = bodyOf(operation, input);
    const at = (paths[`/api/v1${operation.http.path}`] ??= {});
    at[operation.http.method.toLowerCase()] = {
      operationId: operation.name,
      summary: operation.summary,
      ...(operation.description === undefined ? {} : { description: operation.description }),
      tags: [noun],
      parameters: parametersOf(operation, input),
      ...(body === undefined ? {} : { requestBody: body }),
      responses: {
        ...answersOf(operation, output),
        default: {
          description: 'what went wrong',
          content: { 'application/problem+json': { schema: reference('Problem') } },
        },
      },
      'x-pvc-type': operation.type,
      'x-pvc-role': operation.role,
      ...(operation.cli === undefined ? {} : { 'x-pvc-cli': `pvc ${operation.cli.command}` }),
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'PVC',
      version,
      description: `The API of a PVC cluster. Roles, each with the rights of the ones before it: ${roles.join(', ')}.`,
      license: { name: 'GPL-3.0-or-later', identifier: 'GPL-3.0-or-later' },
    },
    servers: [{ url: '/' }],
    security: [{ token: [] }],
    tags: [...tags].sort().map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'pvc_ID_SECRET',
          description: 'made by `pvc token create`; the unix socket needs none',
        },
      },
      schemas: components,
    },
  };
}
