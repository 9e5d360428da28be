import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import { createVirtualHost } from '../host/virtual-host.ts';
import {
  type Evidence,
  type FenceSpec,
  type FenceStatus,
  fence,
  freshFence,
  hasVoid,
  proven,
} from '../model/fence-kind.ts';
import { node as nodeKind } from '../model/node-kind.ts';
import { Documents } from '../store/documents.ts';
import { createMemoryStore } from '../store/memory.ts';
import { arrivalWrites } from './arrival.ts';

const id = '0o0000000000abcd';
const bootId = 'b1';
const off: Evidence = { kind: 'power', by: 'its BMC', text: 'reads off', covers: ['machine'], atMs: 5, bootId };

async function setUp(spec: Partial<FenceSpec>, status: Partial<FenceStatus>) {
  const documents = new Documents(createMemoryStore(createVirtualHost().clock));
  const { ops } = documents.commitOf([
    {
      do: 'create',
      kind: nodeKind,
      id: 'hv2',
      spec: { role: 'hypervisor', domainState: 'ready' },
      status: { ...nodeStatus('hv2'), bootId },
    },
    {
      do: 'create',
      kind: fence,
      id,
      spec: { node: 'hv2', openedMs: 0, by: 'pvc', ...spec },
      status: { ...freshFence, ...status },
    },
  ]);
  assert.equal((await documents.store.commit(ops)).outcome, 'ok');
  const arrive = async (node: string): Promise<void> => {
    const writes = await arrivalWrites(documents, node, 'web', 9);
    if (writes.length > 0) assert.equal((await documents.store.commit(documents.commitOf(writes).ops)).outcome, 'ok');
  };
  return { documents, arrive };
}

describe('what comes to a node that is taken for dead', () => {
  it('is covered by nothing that was proven before, and by no word', async () => {
    const word = { by: 'root', atMs: 4, bootId };
    const { documents, arrive } = await setUp({ word }, { state: 'force', evidence: [off] });
    assert.equal(proven([off], bootId)('machine'), true);
    await arrive('hv2');
    const { spec, status = freshFence } = await documents.need(fence, id);
    assert.equal(spec.word, undefined);
    assert.equal(proven(status.evidence, bootId)('machine'), false);
    assert.equal(hasVoid(status.evidence, bootId), true);
    assert.deepEqual(
      status.evidence.map(({ by }) => by),
      ['its BMC', 'web'],
    );
    // What is read afterwards counts.
    assert.equal(proven([...status.evidence, { ...off, atMs: 12 }], bootId)('machine'), true);
  });

  it('is written down also when nothing was proven yet', async () => {
    const { documents, arrive } = await setUp({}, {});
    await arrive('hv2');
    const { status = freshFence } = await documents.need(fence, id);
    assert.equal(hasVoid(status.evidence, bootId), true);
    assert.equal(hasVoid(status.evidence, 'another life'), false);
  });

  it('changes nothing of other nodes, nor of a fence that has ended', async () => {
    const { documents, arrive } = await setUp({}, { state: 'ended', endedMs: 7, evidence: [off] });
    const before = await documents.need(fence, id);
    await arrive('hv1');
    await arrive('hv2');
    assert.deepEqual(await documents.need(fence, id), before);
  });
});
