/** The guards of cards on a node against a kernel in memory, which takes a table as a whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { Documents } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { Nft } from '../firewall/nft.ts';
import { network } from '../network/network-kind.ts';
import { guardTables } from './guard-ruleset.ts';
import { Guards, isSettled } from './guards.ts';

const mac = '52:54:00:00:00:0a';
const card = (more: object) => ({
  ...{
    vm: 'web1',
    mac,
    source: { type: 'network', network: 'office' },
    limitIn: null,
    limitOut: null,
    antiSpoof: null,
  },
  ...more,
});

async function setUp() {
  const host = createVirtualHost();
  await host.files.makeDirectory('/run/pvc');
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('daemon'));
  const spec = {
    ...{ name: 'office', type: 'managed' as const, mtu: 1450, description: '' },
    ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
  };
  const { ops, topics } = documents.commitOf([{ do: 'create', kind: network, id: '100', spec }]);
  assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  const world = { cards: [] as object[], leases: [] as object[], asked: [] as unknown[] };
  const kernel = { table: undefined as string | undefined, loads: 0, broken: false };
  host.processes.on(['nft', '--stateless', 'list', 'table', 'bridge', 'pvc_cards'], () =>
    kernel.table === undefined
      ? { code: 1, stderr: 'Error: No such file or directory\n' }
      : { stdout: kernel.table.replaceAll(' counter', '') },
  );
  host.processes.on(['nft', '--file', '-'], ({ options: { input } }) => {
    if (kernel.broken) return { code: 1, stderr: 'Error: Could not process rule: Operation not supported\n' };
    const [, table] = String(input).split(/^delete table bridge pvc_cards\n/m);
    kernel.table = table === '' ? undefined : table;
    kernel.loads += 1;
    return {};
  });
  const parts = {
    ...{ host, documents, node: 'hv1', signal: new AbortController().signal },
    directories: { state: '/s', run: '/run/pvc', log: '/l' },
    ask: async (operation: string, input: unknown) => {
      world.asked.push([operation, input]);
      return operation === 'vm.nic-list' ? world.cards : world.leases;
    },
  };
  return { kernel, world, daemon: () => new Guards(parts, new Nft(parts, guardTables)) };
}

describe('the guards of cards on a node', () => {
  it('leave a node alone whose cards may do what they like', async () => {
    const { kernel, world, daemon } = await setUp();
    world.cards = [card({})];
    const guards = daemon();
    assert.ok(isSettled(await guards.look()));
    await guards.settle();
    assert.equal(kernel.loads, 0);
    assert.deepEqual(world.asked[0], ['vm.nic-list', { node: 'hv1' }]);
  });

  it('are loaded once, known again by the next daemon, and gone with the last card', async () => {
    const { kernel, world, daemon } = await setUp();
    world.cards = [card({ limitIn: 125 })];
    const guards = daemon();
    assert.equal(isSettled(await guards.look()), false);
    await guards.settle();
    await guards.settle();
    assert.ok(isSettled(await daemon().look()));
    assert.equal(kernel.loads, 1);
    assert.match(kernel.table ?? '', /limit rate over 125000 bytes/);
    world.cards = [];
    await guards.settle();
    assert.equal(kernel.table, undefined);
    assert.ok(isSettled(await guards.look()));
  });

  it('are loaded again when somebody has changed them', async () => {
    const { kernel, world, daemon } = await setUp();
    world.cards = [card({ limitOut: 125 })];
    const guards = daemon();
    await guards.settle();
    const loaded = kernel.table;
    for (const damage of [undefined, 'table bridge pvc_cards {\n}\n']) {
      kernel.table = damage;
      assert.equal(isSettled(await guards.look()), false);
      await guards.settle();
      assert.equal(kernel.table, loaded);
    }
  });

  it('know the addresses of a card from its options and from DHCP, each of its own network', async () => {
    const { world, daemon } = await setUp();
    world.cards = [card({ antiSpoof: ['10.20.0.9'] }), card({ mac: '52:54:00:00:00:0b', limitIn: 1 })];
    world.leases = [
      { network: 'office', mac, address: '10.20.0.10' },
      { network: 'office', mac, address: '10.20.0.9' },
      { network: 'lab', mac, address: '10.21.0.10' },
      { network: 'office', mac: null, address: '10.20.0.11' },
    ];
    assert.deepEqual(await daemon().wanted(), [
      {
        ...{ mac, limitIn: undefined, limitOut: undefined },
        identity: { addresses: ['10.20.0.9', '10.20.0.10'], gateways: ['10.20.0.1'] },
      },
      { mac: '52:54:00:00:00:0b', limitIn: 1, limitOut: undefined, identity: undefined },
    ]);
  });

  it('tell why a guest must wait where nft does not take them', async () => {
    const { kernel, world, daemon } = await setUp();
    world.cards = [card({ antiSpoof: [] })];
    kernel.broken = true;
    const guards = daemon();
    assert.match((await guards.refusal()) ?? '', /cannot be kept to their limits.*Operation not supported/);
    kernel.broken = false;
    assert.equal(await guards.refusal(), undefined);
  });
});
