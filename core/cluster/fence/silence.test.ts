import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeStatus } from '../../../test/fixtures/node-status.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { cluster, clusterId } from '../../model/cluster-kind.ts';
import { node as nodeKind } from '../../model/node-kind.ts';
import type { NodePower, Power } from '../../plugin/power.ts';
import { Documents, type Write } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { Silence, silentMs } from './silence.ts';

const bmc = { driver: 'ipmi', address: '192.0.2.2', user: 'pvc', cipherSuite: 17, privilege: 'OPERATOR' } as const;

/** hv1 listens to hv2, which has a BMC, and not to hv3, which has none. */
async function setUp(more: { readonly maintenance?: boolean; readonly power?: 'never' } = {}) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const { power: policy, maintenance = false } = more;
  const writes: Write[] = [
    {
      do: 'create',
      kind: cluster,
      id: clusterId,
      spec: {
        name: 'lab',
        createdMs: 0,
        maintenance,
        ...(policy === undefined ? {} : { fencing: { power: policy } }),
      },
    },
    ...['hv1', 'hv2', 'hv3'].map(
      (id, index): Write => ({
        do: 'create',
        kind: nodeKind,
        id,
        spec: {
          role: 'hypervisor',
          domainState: 'ready',
          address: `10.0.0.${index + 1}`,
          ...(id === 'hv3' ? {} : { bmc: { ...bmc, address: `192.0.2.${index}` } }),
        },
        status: nodeStatus(id),
      }),
    ),
  ];
  assert.equal((await documents.store.commit(documents.commitOf(writes).ops)).outcome, 'ok');
  const world = {
    answers: true,
    primary: true,
    reads: 'off' as Power | Error,
    readsAfterMs: 100,
    knocked: new Set<string>(),
    asked: 0,
    deposed: [] as string[],
    touched: 0,
  };
  const power = {
    async status(_node: string, signal: AbortSignal): Promise<Power> {
      world.asked += 1;
      await host.clock.sleep(world.readsAfterMs, signal);
      if (world.reads instanceof Error) throw world.reads;
      return world.reads;
    },
  } as unknown as NodePower;
  const silence = new Silence(
    { documents, host, node: 'hv1', power, touch: () => (world.touched += 1) },
    {
      async answers({ node }, withinMs) {
        world.knocked.add(node);
        const answered = world.answers;
        await host.clock.sleep(answered ? 1 : withinMs);
        return answered;
      },
    },
    {
      leads: () => world.primary,
      async depose(name) {
        world.deposed.push(name);
      },
    },
  );
  const ending = new AbortController();
  const running = silence.run(ending.signal);
  await host.clock.advance(2_000);
  return {
    world,
    silence,
    documents,
    /** Nobody is taken for dead from now on. */
    async maintain() {
      const before = await documents.need(cluster, clusterId);
      const { ops } = documents.commitOf([
        { do: 'spec', kind: cluster, before, spec: { ...before.spec, maintenance: true } },
      ]);
      assert.equal((await documents.store.commit(ops)).outcome, 'ok');
    },
    advance: (ms: number) => host.clock.advance(ms),
    async end() {
      ending.abort();
      await host.clock.advance(10_000);
      await running;
    },
  };
}

describe('the silence of a machine', () => {
  it('is nobody’s concern while it answers', async () => {
    const { world, silence, end } = await setUp();
    assert.deepEqual([...world.knocked], ['hv2']);
    assert.deepEqual([silence.forMs('hv2'), silence.readsOff('hv2'), world.asked, world.touched], [0, false, 0, 0]);
    await end();
  });

  it('has its BMC asked, and tells at once that it reads off', async () => {
    const { world, silence, advance, end } = await setUp();
    world.answers = false;
    await advance(silentMs + 1_500);
    assert.ok(silence.forMs('hv2') >= silentMs);
    assert.equal(silence.readsOff('hv2'), true);
    assert.ok(world.touched > 0);
    world.answers = true;
    await advance(1_500);
    assert.deepEqual([silence.forMs('hv2'), silence.readsOff('hv2')], [0, false]);
    await end();
  });

  it('tells nothing when the BMC reads on, and asks it again only after a while', async () => {
    const { world, silence, advance, end } = await setUp();
    Object.assign(world, { answers: false, reads: 'on' });
    await advance(silentMs + 3_000);
    assert.deepEqual([silence.readsOff('hv2'), world.asked], [false, 1]);
    world.reads = 'off';
    await advance(5_000);
    assert.equal(silence.readsOff('hv2'), true);
    await end();
  });

  it('tells nothing of a reading that came after the machine was heard again, and none that is old', async () => {
    const { world, silence, advance, end } = await setUp();
    Object.assign(world, { answers: false, readsAfterMs: 3_000 });
    await advance(silentMs + 1_500);
    world.answers = true;
    await advance(4_000);
    assert.deepEqual([silence.readsOff('hv2'), world.asked], [false, 1]);
    Object.assign(world, { answers: false, readsAfterMs: 100 });
    await advance(10_000);
    assert.equal(silence.readsOff('hv2'), true);
    world.reads = new Error('it is dead');
    await advance(6_000);
    assert.equal(silence.readsOff('hv2'), false);
    assert.ok(silence.forMs('hv2') > silentMs);
    await end();
  });

  it('is not waited for longer than it is worth', async () => {
    const { world, silence, advance, end } = await setUp();
    Object.assign(world, { answers: false, readsAfterMs: 60_000 });
    await advance(30_000);
    assert.equal(silence.readsOff('hv2'), false);
    assert.ok(world.asked > 1 && world.asked < 5);
    await end();
  });

  it('of the primary has a coordinator depose it, and is known to the one that takes its place', async () => {
    const { world, silence, documents, advance, end } = await setUp();
    Object.assign(world, { primary: false, answers: false, reads: 'on' });
    await advance(10_000);
    assert.deepEqual([silence.forMs('hv2'), world.asked], [0, 0], 'nobody is known to be the primary');
    await documents.store.commit([{ op: 'create', key: '/primary/holder', value: 'hv2' }]);
    silence.changed();
    await advance(10_000);
    assert.ok(silence.forMs('hv2') > silentMs);
    assert.deepEqual([world.asked > 0, world.deposed], [true, []], 'one that reads on may be cut off only');
    world.reads = 'off';
    await advance(6_000);
    assert.equal(world.deposed[0], 'hv2');
    world.primary = true;
    await advance(2_000);
    assert.ok(silence.forMs('hv2') > 12_000, 'it has been silent all the time');
    assert.equal(silence.readsOff('hv2'), true);
    await end();
  });

  it('is over for who is listened to no more', async () => {
    const { world, silence, maintain, advance, end } = await setUp();
    Object.assign(world, { answers: false, reads: 'on' });
    await advance(silentMs + 1_500);
    assert.ok(silence.forMs('hv2') >= silentMs);
    await maintain();
    silence.changed();
    await advance(10_000);
    assert.equal(silence.forMs('hv2'), 0);
    await end();
  });

  it('is over within a minute when the news of it were lost', async () => {
    const { world, silence, maintain, advance, end } = await setUp();
    Object.assign(world, { answers: false, reads: 'on' });
    await advance(silentMs + 1_500);
    await maintain();
    await advance(30_000);
    assert.ok(silence.forMs('hv2') > 30_000, 'nothing was told');
    await advance(30_000);
    assert.equal(silence.forMs('hv2'), 0);
    await end();
  });

  for (const [why, more] of [
    ['in maintenance', { maintenance: true }],
    ['where PVC leaves the power alone', { power: 'never' }],
  ] as const)
    it(`is not listened for ${why}`, async () => {
      const { world, advance, end } = await setUp(more);
      world.answers = false;
      await advance(10_000);
      assert.deepEqual([[...world.knocked], world.asked], [[], 0]);
      await end();
    });
});
