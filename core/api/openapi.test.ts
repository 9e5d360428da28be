import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineQuery } from '../operation/operation.ts';
import { OperationRegistry } from '../operation/registry.ts';
import { openApiOf } from './openapi.ts';
import { routesOf } from './routes.ts';
import { createSampleApi } from './testing/sample-api.ts';

interface Described {
  operationId: string;
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: {
    required: boolean;
    content: { 'application/json': { schema: { properties: object; required?: string[] } } };
  };
  responses: Record<string, { content?: Record<string, unknown> }>;
  'x-pvc-role': string;
  'x-pvc-cli'?: string;
  tags: string[];
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Described>>;
  components: { schemas: Record<string, unknown>; securitySchemes: object };
}

/** Every `$ref` in a document. */
function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : references(inner)));
}

describe('openapi.json', () => {
  it('describes every operation', async () => {
    const answer = await createSampleApi().ask('/api/v1/openapi.json', {}, { door: 'https' });
    const document = (await answer.json()) as Document;
    assert.equal(document.openapi, '3.1.0');
    const create = document.paths['/api/v1/pets']?.post;
    assert.ok(create !== undefined);
    assert.equal(create.operationId, 'pet.create');
    assert.equal(create['x-pvc-role'], 'operator');
    assert.equal(create['x-pvc-cli'], 'pvc pet create');
    assert.deepEqual(create.tags, ['pet']);
    assert.deepEqual(
      create.parameters.map((one) => one.name),
      ['plan'],
    );
    assert.deepEqual(create.requestBody?.content['application/json'].schema.required, ['name']);
    const change = document.paths['/api/v1/pets/{pet}']?.put;
    assert.deepEqual(
      change?.parameters.map((one) => [one.name, one.in, one.required]),
      [
        ['pet', 'path', true],
        ['plan', 'query', false],
      ],
    );
    assert.deepEqual(Object.keys(change?.requestBody?.content['application/json'].schema.properties ?? {}), ['age']);
    const feed = document.paths['/api/v1/pets/{pet}/food']?.put;
    assert.deepEqual(
      feed?.parameters.map((one) => [one.name, one.in]),
      [
        ['pet', 'path'],
        ['warm', 'query'],
        ['note', 'query'],
      ],
    );
    assert.deepEqual(feed?.requestBody?.content, { 'application/octet-stream': {} });
    assert.deepEqual(Object.keys(feed?.responses['200']?.content ?? {}), ['text/event-stream']);
    const picture = document.paths['/api/v1/pets/{pet}/picture']?.get;
    assert.deepEqual(Object.keys(picture?.responses['200']?.content ?? {}), ['application/octet-stream']);
    const list = document.paths['/api/v1/pets']?.get;
    assert.deepEqual(
      list?.parameters.map((one) => one.in),
      Array.from({ length: 6 }, () => 'query'),
    );
    assert.ok(
      document.paths['/api/v1/pets/{pet}/follow']?.get?.responses[200]?.content?.['text/event-stream'] !== undefined,
    );
    assert.ok(document.paths['/api/v1/pets/{pet}/talk']?.get?.responses[101] !== undefined);
    for (const methods of Object.values(document.paths))
      for (const one of Object.values(methods)) assert.ok(one.responses.default !== undefined, one.operationId);
  });

  it('refers to nothing that it does not hold, recursive shapes included', () => {
    const tree = z.strictObject({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    const registry = new OperationRegistry();
    const common = { summary: 'x', role: 'viewer', run: async () => ({ name: '', children: [] }) } as const;
    registry.add(
      'core',
      defineQuery({
        ...common,
        name: 'tree.show',
        http: { method: 'GET', path: '/tree' },
        input: z.strictObject({}),
        output: tree,
      }),
    );
    registry.add(
      'core',
      defineQuery({
        ...common,
        name: 'tree.make',
        http: { method: 'POST', path: '/tree' },
        input: z.strictObject({ tree, twin: tree.optional() }),
        output: tree,
      }),
    );
    const document = openApiOf(routesOf(registry), '1') as unknown as Document;
    const found = references(document).filter((one) => !one.endsWith('/Problem'));
    assert.ok(found.length >= 4);
    for (const one of found) assert.ok(one.replace('#/components/schemas/', '') in document.components.schemas, one);
  });
});
