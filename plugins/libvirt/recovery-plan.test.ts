import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Doc, NodeSpec, NodeStatus } from '../../core/plugin/api.ts';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import type { VmDoc } from './guest-control.ts';
import { endedByFence, needsOf, planRecovery, strandedGuests } from './recovery-plan.ts';
import { type VmSpec, vmSpec } from './schema.ts';

const node = (id: string, memoryMiB = 8192): Doc<NodeSpec, NodeStatus> => ({
  id,
  spec: { role: 'coordinator', domainState: 'ready', address: `10.0.0.${id.slice(2)}` },
  specVersion: 0,
  birth: '1',
  statusVersion: 0,
  status: nodeStatus(id, { memoryMiB }),
});

const volume = (target: string, pool: string, readonly = false): object => ({
  target,
  readonly,
  source: { type: 'volume', pool, volume: `${pool}-${target}` },
});

const guest = (name: string, spec: Partial<Record<keyof VmSpec, unknown>> = {}): VmDoc => ({
  id: name,
  spec: vmSpec.parse({
    name,
    run: 'running',
    node: 'hv1',
    memoryMiB: 1024,
    vcpus: 1,
    definition: '<domain/>',
    disks: [volume('vda', 'vms')],
    ...spec,
  }),
  specVersion: 0,
  birth: '1',
  status: undefined,
  statusVersion: undefined,
});

const scene = (guests: VmDoc[], more: { nodes?: Doc<NodeSpec, NodeStatus>[]; proven?: string[] } = {}) => {
  const nodes = more.nodes ?? [node('hv1'), node('hv2'), node('hv3')];
  return {
    node: 'hv1',
    nodes,
    guests,
    rules: [],
    alive: new Set(nodes.map(({ id }) => id).filter((id) => id !== 'hv1')),
    proven: (resource: string) => (more.proven ?? ['pool:vms']).includes(resource),
  };
};

describe('what must be proven for a guest', () => {
  for (const [what, disks, needs] of [
    ['volumes', [volume('vda', 'vms'), volume('vdb', 'fast')], ['pool:fast', 'pool:vms']],
    ['nothing that it writes to', [volume('vda', 'vms', true)], ['machine']],
    ['no disk', [], ['machine']],
    [
      'a file beside a volume',
      [volume('vda', 'vms'), { target: 'vdb', source: { type: 'file', path: '/nfs/a' } }],
      ['machine', 'pool:vms'],
    ],
  ] as const)
    it(`with ${what}`, () => assert.deepEqual(needsOf(guest('a', { disks })), needs));
});

describe('the recovery of a node', () => {
  const placed = (plan: ReturnType<typeof planRecovery>) =>
    plan.placed.flat().map(({ guest: { id }, to }) => `${id} ${to}`);

  it('places what is meant to run, the most important first, and promises no memory twice', () => {
    const nodes = [node('hv1'), node('hv2', 2048), node('hv3', 1536)];
    const guests = [
      guest('low', { priority: 1 }),
      guest('off', { run: 'stopped' }),
      guest('disabled', { run: 'disabled' }),
      guest('high', { priority: 900 }),
      guest('mid'),
      guest('elsewhere', { node: 'hv2', memoryMiB: 256 }),
    ];
    const plan = planRecovery(scene(guests, { nodes }));
    assert.deepEqual(placed(plan), ['high hv2', 'mid hv3']);
    assert.deepEqual(
      plan.waiting.map(({ object }) => object),
      ['low'],
    );
    assert.match(plan.waiting[0]?.reason ?? '', /hv2: only \d+ MiB .*; hv3: only \d+ MiB/);
  });

  it('places nothing without proof of all that a guest needs', () => {
    const both = guest('both', { disks: [volume('vda', 'vms'), volume('vdb', 'fast')] });
    const plan = planRecovery(scene([both, guest('web')]));
    assert.deepEqual(placed(plan), ['web hv2']);
    assert.deepEqual(plan.waiting, [
      { object: 'both', reason: 'nothing proves that it writes nothing more to the pool fast' },
    ]);
    assert.deepEqual(placed(planRecovery(scene([guest('web')], { proven: [] }))), []);
  });

  it('leaves a guest that has files of its node, and asks for no proof for it', () => {
    const file = guest('file', { disks: [{ target: 'vda', source: { type: 'file', path: '/var/a' } }] });
    const plan = planRecovery(scene([file], { proven: ['machine'] }));
    assert.deepEqual(plan.waiting, [{ object: 'file', reason: 'its disk vda is a file of hv1: /var/a' }]);
    assert.deepEqual(strandedGuests(scene([file])), [{ object: 'file', needs: [] }]);
  });

  it('has one that was on its way go on where it was going', () => {
    const moving = guest('web', { transfer: { to: 'hv3', task: 'x' } });
    assert.deepEqual(placed(planRecovery(scene([moving]))), ['web hv3']);
  });

  it('heeds limits and nodes that are not there', () => {
    assert.deepEqual(placed(planRecovery(scene([guest('web', { limit: ['hv1', 'hv3'] })]))), ['web hv3']);
    const here = scene([guest('web')]);
    assert.deepEqual(placed(planRecovery({ ...here, alive: new Set() })), []);
  });
});

it('a task of a dead node ends as failed, and keeps what it had come to', () => {
  const ended = endedByFence(
    {
      id: 't',
      spec: {} as never,
      specVersion: 0,
      birth: '1',
      statusVersion: 0,
      status: { state: 'running', phase: 'shutdown', progress: 0.5, message: 'm', data: { a: 1 }, attempts: 2 },
    },
    'hv1',
    7,
  );
  assert.deepEqual(
    [ended.state, ended.phase, ended.data, ended.endedMs, ended.error?.code],
    ['failed', 'shutdown', { a: 1 }, 7, 'NODE_FENCED'],
  );
});
