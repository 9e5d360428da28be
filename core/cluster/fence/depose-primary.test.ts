import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeStatus } from '../../../test/fixtures/node-status.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import { Documents, type Write } from '../../store/documents.ts';
import { MemoryCluster } from '../../store/memory.ts';
import { PrimaryRole } from '../primary.ts';
import { deposePrimary } from './depose-primary.ts';

const names = ['a', 'b', 'c'];

/** `a` is the primary; `holding` are those who have what goes with the role, as an address on a link would show. */
async function setUp() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const holding = new Set<string>();
  let most = 0;
  const nodes = new Map(
    names.map((name) => {
      const store = cluster.open(name);
      const role = new PrimaryRole(host, store, name, {
        async take() {
          holding.add(name);
          most = Math.max(most, holding.size);
        },
        async leave() {
          holding.delete(name);
          return true;
        },
      });
      return [name, { role, store, documents: new Documents(store), link: cluster.link(name) }] as const;
    }),
  );
  const the = (name: string) => nodes.get(name) ?? assert.fail(name);
  const { documents } = the('b');
  const writes = names.map((id): Write => {
    const spec = { role: 'coordinator', domainState: 'ready', address: `10.0.0.${names.indexOf(id) + 1}` } as const;
    return { do: 'create', kind: nodeKind, id, spec, status: nodeStatus(id) };
  });
  await documents.store.commit(documents.commitOf(writes).ops);
  for (const name of names)
    await the(name).store.commit([{ op: 'create', key: aliveKey(name), value: '{}', ephemeral: true }]);
  const ending = new AbortController();
  void the('a').role.run(ending.signal);
  await host.clock.advance(1_000);
  for (const name of ['b', 'c']) void the(name).role.run(ending.signal);
  await host.clock.advance(1_000);
  assert.equal(the('a').role.isPrimary(), true);
  return {
    clock: host.clock,
    documents,
    the,
    holding,
    most: () => most,
    leaders: () => names.filter((name) => the(name).role.leads()),
    alive: (name: string) => cluster.dump().some(({ key }) => key === aliveKey(name)),
  };
}

describe('a primary that is deposed', () => {
  it('loses the role at once; the next one leads, and has the duties when the session has ended', async () => {
    const { clock, documents, the, holding, most, alive } = await setUp();
    the('a').link.cut({ noticeAfterMs: 100_000 });
    await clock.advance(2_000);
    assert.equal(await deposePrimary(documents, 'a'), true);
    assert.equal(alive('a'), false);
    await clock.advance(1_500);
    const next = ['b', 'c'].filter((name) => the(name).role.leads());
    assert.equal(next.length, 1, 'one of the others leads, long before the session ends');
    assert.deepEqual([...holding], ['a'], 'whose machine may run on, for all that is known');
    await clock.advance(6_000);
    assert.deepEqual([[...holding], most()], [next, 1]);
    assert.equal(the(next[0] ?? '').role.isPrimary(), true);
  });

  it('drops its duties at once where it lives, before the next one has them', async () => {
    const { clock, documents, the, holding, most, leaders } = await setUp();
    assert.equal(await deposePrimary(documents, 'a'), true);
    the('a').role.poke();
    await clock.advance(2_500);
    assert.equal(leaders().length, 1);
    assert.deepEqual([[...holding], most()], [leaders(), 1]);
    assert.equal(names.filter((name) => the(name).role.isPrimary()).length, 1);
  });

  it('is one that was primary, and says of itself what it said before', async () => {
    const { documents, the, alive } = await setUp();
    assert.equal(await deposePrimary(documents, 'c'), false);
    const { store } = the('a');
    await store.commit([{ op: 'delete', key: '/primary/duties', version: undefined }]);
    assert.equal(await deposePrimary(documents, 'a'), false, 'an earlier PVC has no such key');
    assert.equal(alive('a'), true);
  });
});
