import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { createVirtualHost } from '../host/virtual-host.ts';
import { Documents } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import { Executor } from './execute.ts';
import { type Actor, defineFeed, defineMutation, defineQuery } from './operation.ts';

const viewer: Actor = { name: 'anna', role: 'viewer', via: 'https' };
const never = new AbortController().signal;

function makeExecutor(): Executor {
  const host = createVirtualHost();
  return new Executor({
    host,
    documents: new Documents(createMemoryStore(host.clock)),
    localNode: 'hv1',
    admit: async () => undefined,
  });
}

const find = (input: z.ZodObject) =>
  defineQuery({
    name: 'pet.find',
    summary: 'Find',
    http: { method: 'GET', path: '/pets' },
    role: 'viewer',
    input,
    output: z.unknown(),
    run: async (_, given) => given,
  });

describe('input of operations', () => {
  it('refuses a field that a plain object schema would drop in silence', async () => {
    const call = makeExecutor().query(
      find(z.object({ age: z.int().optional() })),
      { age: 1, sttate: 'old' },
      viewer,
      never,
    );
    await assert.rejects(call, { code: 'INPUT_INVALID', details: ['sttate: there is no such field'] });
  });

  it('tells unknown and wrong fields together', async () => {
    const call = makeExecutor().query(
      find(z.object({ age: z.int() })),
      { age: 'x', toString: 1, ['__proto__x']: 2 },
      viewer,
      never,
    );
    await assert.rejects(call, (error: Error & { details: string[] }) => {
      assert.deepEqual(error.details.slice(0, 2), [
        'toString: there is no such field',
        '__proto__x: there is no such field',
      ]);
      assert.match(error.details[2] ?? '', /^age: /);
      return true;
    });
  });

  it('leaves a schema that takes other fields alone', async () => {
    assert.deepEqual(await makeExecutor().query(find(z.looseObject({})), { more: 1 }, viewer, never), { more: 1 });
    assert.deepEqual(await makeExecutor().query(find(z.object({}).catchall(z.int())), { more: 1 }, viewer, never), {
      more: 1,
    });
  });

  it('takes no input for an empty one', async () => {
    assert.deepEqual(await makeExecutor().query(find(z.object({})), undefined, viewer, never), {});
  });

  it('looks at the role before the input', () => {
    const mutation = defineMutation({
      name: 'pet.make',
      summary: 'Make',
      http: { method: 'POST', path: '/pets' },
      role: 'operator',
      input: z.object({}),
      output: z.object({}),
      plan: async () => ({}),
    });
    assert.throws(() => makeExecutor().admit(mutation, { wrong: 1 }, viewer), { code: 'ROLE_TOO_LOW' });
  });
});

describe('items of feeds', () => {
  it('must have the shape that was declared', async () => {
    const feed = defineFeed({
      name: 'pet.watch',
      summary: 'Watch',
      http: { method: 'GET', path: '/pets/watch' },
      role: 'viewer',
      input: z.object({ all: z.boolean().optional() }),
      output: z.object({ age: z.int() }),
      async *open() {
        yield { id: '1', event: 'pet', data: { age: 1, secret: 'dropped' } as { age: number } };
        yield { data: { age: 'old' } as unknown as { age: number } };
      },
    });
    const items = makeExecutor().feed(feed, {}, viewer, never)[Symbol.asyncIterator]();
    assert.deepEqual((await items.next()).value, { id: '1', event: 'pet', data: { age: 1 } });
    await assert.rejects(items.next(), { name: 'ZodError' });
  });
});
