import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import { aliveKey, node } from '../model/node-kind.ts';
import { Documents } from '../store/documents.ts';
import { MemoryCluster } from '../store/memory.ts';
import type { Op } from '../store/store.ts';
import { announceAlive } from './announce-alive.ts';

async function setUp() {
  const memory = new MemoryCluster({ clock: createVirtualHost().clock });
  const documents = new Documents(memory.open('hv1'));
  const spec = { role: 'hypervisor', domainState: 'ready' };
  const status = { ...nodeStatus('hv1'), bootId: 'before' };
  const { ops } = documents.commitOf([{ do: 'create', kind: node, id: 'hv1', spec, status }]);
  assert.equal((await documents.store.commit(ops)).outcome, 'ok');
  const bootId = async () => (await documents.need(node, 'hv1')).status?.bootId;
  return { documents, bootId };
}

it('a daemon is announced with the boot of its machine in one commit', async () => {
  const { documents, bootId } = await setUp();
  const commits: (readonly Op[])[] = [];
  const commit = documents.store.commit.bind(documents.store);
  documents.store.commit = (ops, topics) => {
    commits.push(ops);
    return commit(ops, topics);
  };
  await announceAlive(documents, 'hv1', 7, 'now');
  assert.equal(await bootId(), 'now');
  assert.notEqual(await documents.store.read(aliveKey('hv1')), undefined);
  assert.equal(commits.length, 1);
  await announceAlive(documents, 'hv1', 7, 'now');
  assert.equal(commits.length, 1);
});

it('a daemon is announced although a write of the life before overtakes it', async () => {
  const { documents, bootId } = await setUp();
  const commit = documents.store.commit.bind(documents.store);
  let late = true;
  documents.store.commit = async (ops, topics) => {
    if (late) {
      late = false;
      const before = await documents.need(node, 'hv1');
      const status = { ...nodeStatus('hv1'), bootId: 'before', health: 50 };
      await commit(documents.commitOf([{ do: 'status', kind: node, before, status }]).ops);
    }
    return commit(ops, topics);
  };
  await announceAlive(documents, 'hv1', 7, 'now');
  assert.equal(await bootId(), 'now');
});
