import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FaultBook } from '../fault/fault-book.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { node } from '../model/node-kind.ts';
import type { Hooks } from '../plugin/hooks.ts';
import { Documents, statusKey } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Store } from '../store/store.ts';
import { NodeReport } from './node-report.ts';

/** hv1, which tells a number of a plugin; `read` are the keys that were read since they were last looked at. */
async function setUp() {
  const host = createVirtualHost();
  const inner = createMemoryStore(host.clock);
  const read: string[] = [];
  const store: Store = Object.assign(Object.create(inner) as Store, {
    session: inner.session,
    commit: inner.commit.bind(inner),
    read: inner.read.bind(inner),
    freshWord: () => inner.freshWord(),
    readMany: (keys: readonly string[]) => {
      read.push(...keys);
      return inner.readMany(keys);
    },
  });
  const documents = new Documents(store);
  const { ops } = documents.commitOf([
    { do: 'create', kind: node, id: 'hv1', spec: { role: 'hypervisor', domainState: 'ready' } },
  ]);
  await store.commit(ops);
  const told = { guests: 1 };
  const report = new NodeReport({
    host,
    documents,
    node: 'hv1',
    version: '1',
    shapes: {},
    hooks: { keepalive: { call: async () => [{ plugin: 'p', result: { ...told } }] } } as unknown as Hooks,
    faults: { open: () => new Map() } as unknown as FaultBook,
    coordinatorState: () => 'client',
    services: () => [],
    watchdog: undefined,
  });
  const write = async (): Promise<string[]> => {
    const [stamp] = await documents.stampsOf([[node, 'hv1']]);
    read.length = 0;
    await report.write('run', stamp);
    return [...read];
  };
  const status = async () => (await documents.need(node, 'hv1')).status;
  return { documents, told, write, status };
}

describe('what a node says of itself', () => {
  it('is neither read nor written as long as both it and the stored object are as they were', async () => {
    const { documents, write, status } = await setUp();
    await write();
    await write();
    const before = await documents.stampsOf([[node, 'hv1']]);
    assert.deepEqual(await write(), []);
    assert.deepEqual(await documents.stampsOf([[node, 'hv1']]), before);
    assert.equal((await status())?.daemon, 'run');
  });

  it('is written when it is another', async () => {
    const { told, write, status } = await setUp();
    await write();
    await write();
    told.guests = 2;
    assert.ok((await write()).includes(statusKey(node, 'hv1')));
    assert.deepEqual((await status())?.facts, { p: { guests: 2 } });
  });

  it('is put right when somebody else has written it', async () => {
    const { documents, write, status } = await setUp();
    await write();
    await write();
    const before = await documents.need(node, 'hv1');
    assert.ok(before.status !== undefined);
    const { ops } = documents.commitOf([
      { do: 'status', kind: node, before, status: { ...before.status, version: 'other' } },
    ]);
    await documents.store.commit(ops);
    await write();
    assert.equal((await status())?.version, '1');
  });
});
