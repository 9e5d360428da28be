/** Operations on entries, by executors of several nodes on one store. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { Executor } from '../../../core/operation/execute.ts';
import type { Operation } from '../../../core/operation/operation.ts';
import { Documents } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { addressBook } from '../address/address-plan.ts';
import { network } from '../network/network-kind.ts';
import { networkOperations } from '../network/operations.ts';
import { mostEntries, networkAcl } from './acl-kind.ts';
import { aclOperations } from './acl-operations.ts';
import type { Count } from './ruleset.ts';

const actor = { name: 'root', role: 'admin', via: 'socket' } as const;

async function setUp() {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const documents = new Documents(cluster.open('seed'));
  const counts = new Map<string, Count>();
  const tried: string[] = [];
  const operations: readonly Operation[] = [
    ...networkOperations(() => assert.fail('nobody looks at guests')),
    ...aclOperations(() => ({
      nft: {
        refusal: async (rule) => {
          tried.push(rule);
          return rule.includes('skuid') ? 'Operation not supported' : undefined;
        },
      },
      firewall: { counts: async () => counts },
    })),
  ];
  const executors = ['a', 'b'].map((name) => {
    cluster.link(name).setLatency({ minMs: 1, maxMs: 9 });
    const kinds = [network, addressBook, networkAcl];
    return new Executor({
      host,
      documents: new Documents(cluster.open(name)),
      localNode: 'hv1',
      admit: async () => undefined,
      kinds,
    });
  });
  const [a, b] = executors.map((executor) => async (name: string, input: unknown) => {
    const operation = operations.find((one) => one.name === name);
    if (operation?.type === 'mutation') {
      const { result } = await executor.mutate(operation, input, actor);
      return result;
    }
    return operation?.type === 'query'
      ? executor.query(operation, input, actor, AbortSignal.any([]))
      : assert.fail(name);
  });
  assert.ok(a !== undefined && b !== undefined);
  /** Time passes until it is done. */
  const done = async <T>(...work: Promise<T>[]): Promise<PromiseSettledResult<T>[]> => {
    const all = Promise.allSettled(work);
    await host.clock.advance(20_000);
    return all;
  };
  const run = async (name: string, input: unknown): Promise<unknown> => {
    const [result] = await done(a(name, input));
    if (result?.status === 'rejected') throw result.reason;
    return result?.value;
  };
  const entries = async () => (await documents.list(networkAcl)).map(({ id, spec }) => `${id} ${spec.rule}`).toSorted();
  await run('network.add', { network: 'office', vni: 100 });
  return { a, b, done, run, entries, counts, tried, documents };
}

const add = (rule: string, more: object = {}) => ({ network: 'office', direction: 'in', rule, ...more });

describe('entries of a network', () => {
  it('come behind the last of their direction, unless a place is named', async () => {
    const { run, entries } = await setUp();
    await run('network.acl-add', add('accept'));
    await run('network.acl-add', add('drop', { order: 25 }));
    await run('network.acl-add', add('tcp dport 22 accept'));
    await run('network.acl-add', add('reject', { direction: 'out' }));
    await run('network.acl-add', add('udp dport 53 accept', { order: 3 }));
    assert.deepEqual(await entries(), [
      '100-in-10 accept',
      '100-in-25 drop',
      '100-in-3 udp dport 53 accept',
      '100-in-35 tcp dport 22 accept',
      '100-out-10 reject',
    ]);
  });

  it('are listed in the order of their numbers, with what they have counted', async () => {
    const { run, counts, documents } = await setUp();
    for (const order of [10, 9, 100]) await run('network.acl-add', add('accept', { order, description: `${order}` }));
    const { birth } = await documents.need(networkAcl, '100-in-9');
    counts.set(`acl_100_in_9_${birth}`, { packets: 3, bytes: 252 });
    const rows = (await run('network.acl-list', {})) as readonly Record<string, unknown>[];
    assert.deepEqual(
      rows.map(({ order, packets, bytes, description }) => [order, packets, bytes, description]),
      [
        [9, 3, 252, '9'],
        [10, null, null, '10'],
        [100, null, null, '100'],
      ],
    );
    await assert.rejects(run('network.acl-list', { network: 'nope' }), { code: 'NETWORK_NOT_FOUND' });
  });

  it('are refused without a change when their place is taken, their rule is none, or there is no place', async () => {
    const { run, entries } = await setUp();
    await run('network.acl-add', add('accept', { order: 65_535 }));
    const before = await entries();
    for (const [input, error] of [
      [add('drop', { order: 65_535 }), { code: 'NETWORK_ACL_TAKEN', message: /in 65535 already: `accept`/ }],
      [add('drop'), { code: 'NETWORK_ACL_FULL' }],
      [add('meta skuid 7 accept', { order: 1 }), { code: 'NETWORK_ACL_RULE', message: /Operation not supported/ }],
      [add('tcp dport 22', { order: 1 }), { code: 'INPUT_INVALID' }],
      [add('accept', { network: 'nope' }), { code: 'NETWORK_NOT_FOUND' }],
    ] as const)
      await assert.rejects(run('network.acl-add', input), error);
    await assert.rejects(run('network.acl-remove', { network: 'office', direction: 'out', order: 65_535 }), {
      code: 'NETWORK_ACL_NOT_FOUND',
    });
    assert.deepEqual(await entries(), before);
  });

  it('are tried as they will be stored', async () => {
    const { run, tried, entries } = await setUp();
    await run('network.acl-add', add('  tcp   dport 22 accept '));
    assert.deepEqual([tried, await entries()], [['tcp dport 22 accept'], ['100-in-10 tcp dport 22 accept']]);
  });

  it('never share a place, however many are added at the same time', async () => {
    const { a, b, done, entries } = await setUp();
    const work = Array.from({ length: 6 }, (_, index) =>
      (index % 2 === 0 ? a : b)('network.acl-add', add(`tcp dport ${index + 1} accept`)),
    );
    const settled = await done(...work);
    const made = settled.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(made > 0);
    assert.equal((await entries()).length, made);
  });

  it('go with their network, also those that come in the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { a, b, done, run, entries, documents } = await setUp();
      await run('network.acl-add', add('accept'));
      await done(b('network.acl-add', add('drop')), a('network.remove', { network: 'office' }));
      if ((await documents.ids(network)).length > 0) await run('network.remove', { network: 'office' });
      assert.deepEqual([await documents.ids(network), await entries()], [[], []]);
    }
  });

  it('are not more than one commit can remove with their network', async () => {
    const { run, entries } = await setUp();
    for (let order = 1; order <= mostEntries; order += 1) await run('network.acl-add', add('accept', { order }));
    await assert.rejects(run('network.acl-add', add('drop', { direction: 'out' })), { code: 'NETWORK_ACL_MANY' });
    await run('network.remove', { network: 'office' });
    assert.deepEqual(await entries(), []);
  });

  it('go one by one', async () => {
    const { run, entries } = await setUp();
    for (const rule of ['accept', 'drop']) await run('network.acl-add', add(rule));
    await run('network.acl-remove', { network: 'office', direction: 'in', order: 10 });
    assert.deepEqual(await entries(), ['100-in-20 drop']);
  });
});

describe('masquerade', () => {
  it('is for networks with a gateway', async () => {
    const { run, documents } = await setUp();
    const nat = async () => (await documents.need(network, '100')).spec.nat;
    await assert.rejects(run('network.add', { network: 'bare', nat: true }), { code: 'NETWORK_NAT' });
    await assert.rejects(run('network.modify', { network: 'office', nat: true }), { code: 'NETWORK_NAT' });
    await run('network.modify', { network: 'office', ipv4: '10.20.0.0/24', gateway4: 'first', nat: true });
    assert.equal(await nat(), true);
    await run('network.modify', { network: 'office', description: 'x' });
    assert.equal(await nat(), true);
    await assert.rejects(run('network.modify', { network: 'office', gateway4: 'none' }), { code: 'NETWORK_NAT' });
    await assert.rejects(run('network.modify', { network: 'office', nat: true }), { code: 'NETWORK_UNCHANGED' });
    await run('network.modify', { network: 'office', gateway4: 'none', nat: false });
    assert.equal(await nat(), undefined);
  });
});
