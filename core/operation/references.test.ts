import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { withCode } from '../../test/fixtures/expect.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { defineKind } from '../model/kind.ts';
import { Documents, type Write } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import { Executor } from './execute.ts';
import { defineMutation, type Mutation } from './operation.ts';

const thing = defineKind<{ name: string }, null>({
  name: 'thing',
  plural: 'things',
  command: 'store thing',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ name: z.string() }),
  status: z.null(),
  unique: (spec) => ({ name: [spec.name] }),
});
const user = defineKind<{ uses: string[] }, null>({
  name: 'user',
  plural: 'users',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ uses: z.array(z.string()) }),
  status: z.null(),
  refers: (spec) => spec.uses.map((name) => ({ kind: 'thing', name })),
});
const note = defineKind<{ about: string }, null>({
  name: 'note',
  plural: 'notes',
  version: 1,
  id: z.string(),
  spec: z.strictObject({ about: z.string() }),
  status: z.null(),
  refers: ({ about }) => [{ kind: 'thing', name: about }],
  belongs: ({ about }) => ({ kind: 'thing', name: about }),
});
const actor = { name: 'root', role: 'admin', via: 'socket' } as const;

/** Writes what it is told, as any operation may; absent objects are made. */
const change = defineMutation({
  name: 'test.change',
  summary: 'Change things and users',
  http: { method: 'POST', path: '/test' },
  role: 'admin',
  input: z.strictObject({
    things: z.record(z.string(), z.string().nullable()).default({}),
    users: z.record(z.string(), z.array(z.string()).nullable()).default({}),
  }),
  output: z.null(),
  async plan(plan, { view }, input) {
    for (const [id, name] of Object.entries(input.things)) {
      const doc = await view.get(thing, id);
      if (doc !== undefined && name === null) plan.remove(thing, doc);
      else if (name === null) continue;
      else if (doc === undefined) plan.create(thing, id, { name });
      else plan.update(thing, doc, { name });
    }
    for (const [id, uses] of Object.entries(input.users)) {
      const doc = await view.get(user, id);
      if (doc !== undefined && uses === null) plan.remove(user, doc);
      else if (uses === null) continue;
      else if (doc === undefined) plan.create(user, id, { uses });
      else plan.update(user, doc, { uses });
    }
    return null;
  },
}) as unknown as Mutation;

async function setUp(writes: readonly Write[] = []) {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const open = (name: string) => new Documents(cluster.open(name));
  const documents = open('seed');
  if (writes.length > 0) await documents.store.commit(documents.commitOf(writes).ops);
  const executor = (name: string) =>
    new Executor({
      host,
      documents: open(name),
      localNode: name,
      kinds: [thing, user, note],
      admit: async () => undefined,
    });
  return { host, cluster, documents, executor, act: (input: unknown) => executor('a').mutate(change, input, actor) };
}

const disk: Write = { do: 'create', kind: thing, id: '1', spec: { name: 'disk' } };
const guest: Write = { do: 'create', kind: user, id: 'web', spec: { uses: ['disk'] } };

describe('references between objects', () => {
  it('are refused to what does not exist, naming how to list what does', async () => {
    const { act } = await setUp([disk]);
    await assert.rejects(
      act({ users: { web: ['disk', 'gone'] } }),
      (error: Error & { hint?: string }) =>
        withCode('OBJECT_NOT_FOUND')(error) &&
        /no thing gone/.test(error.message) &&
        /pvc store thing list/.test(error.hint ?? ''),
    );
    await act({ users: { web: ['disk'] } });
  });

  it('may be to what the same plan makes, not to what it takes away or renames', async () => {
    const { act } = await setUp([disk]);
    await act({ things: { '2': 'new' }, users: { web: ['new'] } });
    await assert.rejects(act({ things: { '1': null }, users: { other: ['disk'] } }), withCode('OBJECT_NOT_FOUND'));
    await assert.rejects(act({ things: { '1': 'other' }, users: { other: ['disk'] } }), withCode('OBJECT_NOT_FOUND'));
  });

  it('keep what they are to, and its name, until they end', async () => {
    const { act, documents } = await setUp([disk, guest]);
    const inUse = (error: Error) => withCode('OBJECT_IN_USE')(error) && /user web/.test(error.message);
    await assert.rejects(act({ things: { '1': null } }), inUse);
    await assert.rejects(act({ things: { '1': 'renamed' } }), inUse);
    await act({ things: { '1': 'disk' } });
    await act({ things: { '1': null }, users: { web: [] } });
    assert.equal(await documents.get(thing, '1'), undefined);
  });

  it('go with what they belong to, which keeps its name until then', async () => {
    const noteOf = (id: string, about: string): Write => ({ do: 'create', kind: note, id, spec: { about } });
    const other: Write = { do: 'create', kind: thing, id: '2', spec: { name: 'other' } };
    const { act, documents } = await setUp([disk, other, noteOf('a', 'disk'), noteOf('b', 'other')]);
    await assert.rejects(act({ things: { '1': 'renamed' } }), withCode('OBJECT_IN_USE'));
    await act({ things: { '1': null } });
    assert.deepEqual(await documents.ids(note), ['b']);
    assert.deepEqual(await documents.ids(thing), ['2']);
  });

  it('keep what belongs when the removal is refused', async () => {
    const kept: Write = { do: 'create', kind: note, id: 'a', spec: { about: 'disk' } };
    const { act, documents } = await setUp([disk, guest, kept]);
    await assert.rejects(act({ things: { '1': null } }), withCode('OBJECT_IN_USE'));
    assert.deepEqual(await documents.ids(note), ['a']);
  });

  it('that are left as they are do not hinder a change of the object, also when they dangle', async () => {
    const { act } = await setUp([guest, { do: 'create', kind: thing, id: '2', spec: { name: 'more' } }]);
    await act({ users: { web: ['disk', 'more'] } });
    await assert.rejects(act({ users: { web: ['disk', 'other'] } }), withCode('OBJECT_NOT_FOUND'));
  });

  it('are never left without what they are to by commits in the same moment', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), async (one, two) => {
        const { cluster, executor, documents, host } = await setUp([disk]);
        cluster.link('a').setLatency({ minMs: one, maxMs: one });
        cluster.link('b').setLatency({ minMs: two, maxMs: two });
        const both = Promise.allSettled([
          executor('a').mutate(change, { users: { web: ['disk'] } }, actor),
          executor('b').mutate(change, { things: { '1': null } }, actor),
        ]);
        await host.clock.advance(10_000);
        const done = (await both).map(({ status }) => status);
        const [used, there] = [await documents.get(user, 'web'), await documents.get(thing, '1')];
        assert.equal(used === undefined, there === undefined, done.join());
        assert.deepEqual(done.toSorted(), ['fulfilled', 'rejected']);
      }),
      { numRuns: 40 },
    );
  });
});
