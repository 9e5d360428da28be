import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withCode } from '../../../test/fixtures/expect.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { fencingOf } from '../../model/fencing-policy.ts';
import { Executor } from '../../operation/execute.ts';
import type { Actor, Mutation, Query } from '../../operation/operation.ts';
import { Documents } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { fencingPolicyOperations } from './policy-operations.ts';

const actor: Actor = { name: 'root', role: 'admin', via: 'socket' };

async function setUp() {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const spec = { name: 'lab', createdMs: 0, maintenance: false };
  const { ops } = documents.commitOf([{ do: 'create', kind: cluster, id: clusterId, spec }]);
  assert.equal((await documents.store.commit(ops)).outcome, 'ok');
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  const [show, set] = fencingPolicyOperations as unknown as [Query, Mutation];
  return {
    show: () => executor.query(show, {}, actor, new AbortController().signal),
    set: (input: unknown) => executor.mutate(set, input, actor),
  };
}

it('the policy for dead nodes is as by default, and keeps what is not named', async () => {
  const { show, set } = await setUp();
  assert.deepEqual(await show(), { power: 'cut', powerOn: true, powerOnTimes: 3, atMost: 49, returns: 'ready' });
  await set({ power: 'read', powerOn: false });
  await set({ atMost: 20 });
  assert.deepEqual(await show(), { ...fencingOf(undefined), power: 'read', powerOn: false, atMost: 20 });
  assert.match((await set({ power: 'read' })).warnings.join(), /already/);
});

for (const input of [{ power: 'maybe' }, { powerOnTimes: 0 }, { atMost: 101 }, { returns: 'gone' }, { speed: 1 }])
  it(`the policy for dead nodes does not take ${JSON.stringify(input)}`, async () => {
    const { show, set } = await setUp();
    await assert.rejects(set(input), withCode('INPUT_INVALID'));
    assert.deepEqual(await show(), fencingOf(undefined));
  });
