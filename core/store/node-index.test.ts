import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { z } from 'zod';
import { VirtualClock } from '../host/virtual-clock.ts';
import { defineKind } from '../model/kind.ts';
import { Documents, type Write } from './documents.ts';
import { MemoryCluster } from './memory.ts';
import { ensureIndex } from './reindex.ts';

const guest = defineKind<{ node: string }, { node: string }>({
  name: 'guest',
  plural: 'guests',
  version: 1,
  id: z.string().regex(/^[0-9a-z-]+$/),
  spec: z.strictObject({ node: z.string() }),
  status: z.strictObject({ node: z.string() }),
  concerns: (spec, status) => [spec.node, status?.node],
});

function setUp() {
  const cluster = new MemoryCluster({ clock: new VirtualClock() });
  const store = cluster.open('a');
  const documents = new Documents(store);
  const write = async (...writes: Write[]): Promise<string> => {
    const { ops, topics } = documents.commitOf(writes);
    const result = await store.commit(ops, topics);
    return result.outcome === 'conflict' ? `conflict ${result.key}` : result.outcome;
  };
  const index = (): string[] =>
    cluster
      .dump()
      .filter(({ key }) => key.startsWith('/at/'))
      .map(({ key }) => key.slice(4));
  return { cluster, store, documents, write, index, need: (id: string) => documents.need(guest, id) };
}

const create = (id: string, node: string, at?: string): Write => ({
  do: 'create',
  kind: guest,
  id,
  spec: { node },
  ...(at === undefined ? {} : { status: { node: at } }),
});

describe('the index by node', () => {
  it('holds the nodes that spec and status name, from the creation to the removal', async () => {
    const { write, index, need, documents } = setUp();
    await write(create('g', 'hv1'), create('h', 'hv1', 'hv2'));
    assert.deepEqual(index(), ['hv1/guest/g', 'hv1/guest/h', 'hv2/guest/h']);
    await write({ do: 'status', kind: guest, before: await need('g'), status: { node: 'hv3' } });
    assert.deepEqual(index(), ['hv1/guest/g', 'hv1/guest/h', 'hv2/guest/h', 'hv3/guest/g']);
    await write({ do: 'spec', kind: guest, before: await need('h'), spec: { node: 'hv2' } });
    assert.deepEqual(index(), ['hv1/guest/g', 'hv2/guest/h', 'hv3/guest/g']);
    assert.deepEqual(
      (await documents.listAt(guest, 'hv2')).map(({ id, spec, status }) => [id, spec.node, status?.node]),
      [['h', 'hv2', 'hv2']],
    );
    assert.deepEqual(await documents.ids(guest), ['g', 'h']);
    await write({ do: 'remove', kind: guest, before: await need('h') });
    assert.deepEqual(index(), ['hv1/guest/g', 'hv3/guest/g']);
    assert.deepEqual(await documents.ids(guest), ['g']);
  });

  it('is right when spec and status of one object are written in one commit', async () => {
    const { write, index, need } = setUp();
    await write(create('g', 'hv1', 'hv1'));
    const before = await need('g');
    await write(
      { do: 'spec', kind: guest, before, spec: { node: 'hv2' } },
      { do: 'status', kind: guest, before, status: { node: 'hv2' } },
    );
    assert.deepEqual(index(), ['hv2/guest/g']);
  });

  it('makes a move conflict with a status that came meanwhile, but no other change', async () => {
    const { write, need } = setUp();
    await write(create('g', 'hv1', 'hv1'));
    const stale = await need('g');
    await write({ do: 'status', kind: guest, before: stale, status: { node: 'hv2' } });
    assert.equal(await write({ do: 'spec', kind: guest, before: stale, spec: { node: 'hv1' } }), 'ok');
    const again = { ...(await need('g')), status: stale.status, statusVersion: stale.statusVersion };
    assert.match(
      await write({ do: 'spec', kind: guest, before: again, spec: { node: 'hv3' } }),
      /^conflict \/guest\/g\/status$/,
    );
  });

  it('is exact after any writes of two hands that read at different times', async () => {
    const node = fc.constantFrom('hv1', 'hv2', 'hv3');
    const step = fc.record({
      id: fc.constantFrom('a', 'b'),
      what: fc.constantFrom('create', 'spec', 'status', 'remove', 'read'),
      node,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { write, index, documents } = setUp();
        const seen = new Map<string, Awaited<ReturnType<typeof documents.get<{ node: string }, { node: string }>>>>();
        for (const { id, what, node: name } of steps) {
          const before = seen.get(id);
          if (what === 'create') await write(create(id, name));
          else if (what === 'read') seen.set(id, await documents.get(guest, id));
          else if (before === undefined) continue;
          else if (what === 'spec') await write({ do: 'spec', kind: guest, before, spec: { node: name } });
          else if (what === 'status') await write({ do: 'status', kind: guest, before, status: { node: name } });
          else await write({ do: 'remove', kind: guest, before });
        }
        const wanted = (await documents.list(guest))
          .flatMap((doc) => [...new Set([doc.spec.node, doc.status?.node])].map((at) => [at, doc.id] as const))
          .filter(([at]) => at !== undefined)
          .map(([at, id]) => `${at}/guest/${id}`)
          .sort();
        assert.deepEqual(index(), wanted);
      }),
      {
        // A hand that has read the object in the life before, whose version was the same.
        examples: [
          [
            (['create hv3', 'read hv1', 'remove hv1', 'create hv1', 'spec hv3'] as const).map((text) => {
              const [what, name] = text.split(' ') as ['create' | 'read' | 'remove' | 'spec', 'hv1' | 'hv3'];
              return { id: 'a' as const, what, node: name };
            }),
          ],
        ],
        numRuns: 1000,
      },
    );
  });

  it('is made once for a store that has none', async () => {
    const { store, write, index, documents, cluster } = setUp();
    await write(create('g', 'hv1', 'hv2'), create('h', 'hv3'));
    for (const entry of index()) await store.commit([{ op: 'delete', key: `/at/${entry}`, version: undefined }]);
    assert.deepEqual(index(), []);
    await ensureIndex(documents, [guest]);
    assert.deepEqual(index(), ['hv1/guest/g', 'hv2/guest/g', 'hv3/guest/h']);
    const before = cluster.dump();
    await ensureIndex(documents, [guest]);
    assert.deepEqual(cluster.dump(), before);
  });
});
