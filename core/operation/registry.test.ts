import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineDownload, defineFeed, defineMutation, defineQuery, defineUpload, type Operation } from './operation.ts';
import { OperationRegistry } from './registry.ts';

const common = { name: 'pet.feed', summary: 'Feed', role: 'viewer', output: z.object({}) } as const;
const query = (more: Partial<Parameters<typeof defineQuery>[0]> = {}): Operation =>
  defineQuery({
    ...common,
    http: { method: 'GET', path: '/pets' },
    input: z.object({}),
    run: async () => ({}),
    ...more,
  });

describe('operation registry', () => {
  it('finds what was added, with who brought it', () => {
    const registry = new OperationRegistry();
    const operation = query();
    registry.add('zoo', operation);
    assert.equal(registry.get('pet.feed'), operation);
    assert.deepEqual(registry.all(), [{ operation, plugin: 'zoo' }]);
    assert.throws(() => registry.get('pet.eat'), { code: 'OPERATION_UNKNOWN' });
  });

  it('refuses a second operation of the same name, route or command', () => {
    const registry = new OperationRegistry();
    registry.add(
      'core',
      query({
        http: { method: 'GET', path: '/pets/{a}' },
        input: z.object({ a: z.string() }),
        cli: { command: 'pet feed' },
      }),
    );
    assert.throws(() => registry.add('zoo', query()), /already declared by core/);
    const route = { http: { method: 'GET', path: '/pets/{b}' }, input: z.object({ b: z.string() }) } as const;
    assert.throws(() => registry.add('zoo', query({ name: 'pet.eat', ...route })), /belongs to pet\.feed/);
    assert.throws(
      () => registry.add('zoo', query({ name: 'pet.eat', cli: { command: 'pet feed' } })),
      /command "pet feed" belongs/,
    );
  });

  it('refuses bad names, and routes and arguments that name no field', () => {
    const registry = new OperationRegistry();
    for (const name of ['pet', 'Pet.feed', 'pet.', 'pet..feed', 'pet.feed it'])
      assert.throws(() => registry.add('zoo', query({ name })), /not noun\.verb/);
    assert.throws(
      () => registry.add('zoo', query({ http: { method: 'GET', path: '/pets/{pet}' } })),
      /no field of its input/,
    );
    assert.throws(
      () => registry.add('zoo', query({ cli: { command: 'pet feed', arguments: [{ field: 'pet' }] } })),
      /no field of its input/,
    );
  });

  it('refuses methods that do not fit a stream', () => {
    const registry = new OperationRegistry();
    for (const method of ['GET', 'PATCH', 'DELETE'] as const) {
      const upload = defineUpload({
        ...common,
        http: { method, path: '/pets' },
        input: z.object({}),
        receive: async () => ({}),
      });
      assert.throws(() => registry.add('zoo', upload), /its method must be POST or PUT/);
    }
    const { output: _bytes, ...rest } = common;
    const download = defineDownload({
      ...rest,
      http: { method: 'POST', path: '/pets' },
      input: z.object({}),
      send: async () => assert.fail('not asked for'),
    });
    assert.throws(() => registry.add('zoo', download), /its method must be GET/);
  });

  it('keeps the words of the query string for the API', () => {
    const registry = new OperationRegistry();
    const mutation = defineMutation({
      ...common,
      http: { method: 'DELETE', path: '/pets' },
      input: z.object({ plan: z.boolean() }),
      plan: async () => ({}),
    });
    const feed = defineFeed({
      ...common,
      http: { method: 'GET', path: '/pets' },
      input: z.object({ after: z.string() }),
      async *open() {
        yield { data: {} };
      },
    });
    assert.throws(() => registry.add('zoo', mutation), /field named "plan"/);
    assert.throws(() => registry.add('zoo', feed), /field named "after"/);
    assert.doesNotThrow(() => registry.add('zoo', query({ input: z.object({ plan: z.string(), after: z.string() }) })));
  });
});
