import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { type FenceStatus, fence, freshFence } from '../../../core/model/fence-kind.ts';
import { aliveKey, cluster, clusterId, node as nodeKind, type Runtime } from '../../../core/plugin/api.ts';
import { Documents, type Write } from '../../../core/store/documents.ts';
import { createMemoryStore } from '../../../core/store/memory.ts';
import { storageBlock } from './block-kind.ts';
import { blocklistController } from './blocklist-controller.ts';

const block: Write = {
  do: 'create',
  kind: storageBlock,
  id: 'hv2',
  spec: { address: '10.10.1.2', createdMs: 0 },
};
const fenceThatIs = (state: FenceStatus['state']): Write => ({
  do: 'create',
  kind: fence,
  id: '0o0000000000abcd',
  spec: { node: 'hv2', openedMs: 0, by: 'pvc' },
  status: { ...freshFence, state },
});

/** A storage that refuses hv2, which is alive or not. */
async function setUp({ alive = true, writes = [] }: { alive?: boolean; writes?: readonly Write[] }) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const commit = async (...more: readonly Write[]) =>
    assert.equal((await documents.store.commit(documents.commitOf(more).ops)).outcome, 'ok');
  await commit(
    { do: 'create', kind: cluster, id: clusterId, spec: { name: 'lab', createdMs: 0, maintenance: false } },
    { do: 'create', kind: nodeKind, id: 'hv2', spec: { role: 'hypervisor', domainState: 'ready' } },
    ...writes,
  );
  if (alive) await documents.store.commit([{ op: 'create', key: aliveKey('hv2'), value: '{}', ephemeral: true }]);
  const refused = new Map([['hv2', '1']]);
  const letIn: (() => Promise<void>)[] = [];
  const controller = blocklistController({ documents, host } as unknown as Runtime, {
    name: 'ceph',
    resources: async () => ['pool:vms'],
    refused: async () => refused,
    async letIn(node) {
      refused.delete(node);
      for (const then of letIn) await then();
    },
    refuse: async (node) => void refused.set(node, '2'),
  });
  const look = async () => {
    const doc = await documents.need(cluster, clusterId);
    const { steps } = controller.plan(doc, await controller.observe(clusterId, doc), { node: 'hv1', nowMs: 0 });
    for (const step of steps) await controller.apply(step, clusterId, new AbortController().signal);
    return [...refused.keys()];
  };
  return { look, commit, letIn };
}

describe('a node that the storage refuses', () => {
  it('is let in when nothing asks for that', async () => {
    assert.deepEqual(await (await setUp({})).look(), []);
    assert.deepEqual(await (await setUp({ writes: [fenceThatIs('ended')] })).look(), []);
  });

  it('is not as long as it is blocked, its fence is open, or it is not seen alive', async () => {
    for (const world of [{ writes: [block] }, { writes: [fenceThatIs('force')] }, { alive: false }])
      assert.deepEqual(await (await setUp(world)).look(), ['hv2']);
  });

  it('is refused again when it was blocked anew while it was let in', async () => {
    const world = await setUp({});
    world.letIn.push(() => world.commit(block));
    assert.deepEqual(await world.look(), ['hv2']);
  });
});
