import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeStatus } from '../../../test/fixtures/node-status.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { type FenceStatus, fence, freshFence } from '../../model/fence-kind.ts';
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import { Documents, type Write } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { TrackedSession } from '../../store/session-state.ts';
import { deathController, Steadiness } from './death-controller.ts';

describe('how long the store has been reached', () => {
  const begun = (signal = new AbortController().signal) => {
    const now = { ms: 0 };
    const session = new TrackedSession(() => 0);
    return { now, session, steadiness: new Steadiness(session, () => now.ms, signal) };
  };

  it('begins anew with an outage, at its end', () => {
    const { now, session, steadiness } = begun();
    for (const [ms, act] of [
      [1_000, () => session.become('suspended')],
      [5_500, () => session.become('lost')],
      [9_000, () => session.renew()],
    ] as const) {
      now.ms = ms;
      act();
    }
    assert.equal(steadiness.sinceMs, 9_000);
  });

  it('goes on through a break that the lease outlasts, as when the leader of the ensemble dies', () => {
    const { now, session, steadiness } = begun();
    now.ms = 1_000;
    session.become('suspended');
    now.ms = 2_000;
    session.become('live');
    assert.equal(steadiness.sinceMs, 0);
  });

  it('is not counted any more when nobody judges', () => {
    const ending = new AbortController();
    const { now, session, steadiness } = begun(ending.signal);
    ending.abort();
    now.ms = 1_000;
    session.become('lost');
    assert.equal(steadiness.sinceMs, 0);
  });
});

describe('the fence of a node that is looked at again and again', () => {
  const id = '0o0000000000abcd';

  /** hv2 is dead, and its fence open; counts how often that is looked at for it. */
  async function setUp(status: Partial<FenceStatus>) {
    const host = createVirtualHost();
    const documents = new Documents(createMemoryStore(host.clock));
    const writes: Write[] = [
      { do: 'create', kind: cluster, id: clusterId, spec: { name: 'lab', createdMs: 0, maintenance: false } },
      {
        do: 'create',
        kind: nodeKind,
        id: 'hv2',
        spec: { role: 'hypervisor', domainState: 'ready' },
        status: nodeStatus('hv2'),
      },
      {
        do: 'create',
        kind: fence,
        id,
        spec: { node: 'hv2', openedMs: 0, by: 'pvc' },
        status: { ...freshFence, ...status },
      },
    ];
    assert.equal((await documents.store.commit(documents.commitOf(writes).ops)).outcome, 'ok');
    const touched: string[] = [];
    const silent = { off: false };
    const runtime = { documents, host, touch: (kind: string, one: string) => touched.push(`${kind} ${one}`) };
    const steadiness = new Steadiness(new TrackedSession(() => 0), () => 0, new AbortController().signal);
    const controller = deathController(runtime as unknown as Runtime, steadiness, {
      forMs: () => 0,
      readsOff: () => silent.off,
    });
    const look = async (): Promise<number> => {
      touched.length = 0;
      await controller.observe('hv2', await documents.get(nodeKind, 'hv2'));
      assert.ok(touched.every((one) => one === `fence ${id}`));
      return touched.length;
    };
    return { documents, look, silent };
  }

  it('is looked at each time while a guest waits, or a proof is missing', async () => {
    const waiting = [{ object: 'web', reason: 'no room' }];
    for (const status of [{}, { settledMs: 1, waiting }]) {
      const { look } = await setUp(status);
      assert.deepEqual([await look(), await look(), await look()], [1, 1, 1]);
    }
  });

  it('is looked at when there is news of the node once nothing is left to do', async () => {
    const { documents, look, silent } = await setUp({ settledMs: 1 });
    assert.deepEqual([await look(), await look()], [1, 0]);
    silent.off = true;
    assert.deepEqual([await look(), await look()], [1, 0]);
    await documents.store.commit([{ op: 'create', key: aliveKey('hv2'), value: '{}', ephemeral: true }]);
    assert.deepEqual([await look(), await look()], [1, 0]);
  });
});
