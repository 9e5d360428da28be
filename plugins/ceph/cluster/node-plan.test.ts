import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cephConf } from './conf.ts';
import { type NodeView, planNode } from './node-plan.ts';

const spec = { fsid: '11111111-2222-4333-8444-555555555555', network: '10.0.1.0/24', first: 'hv1', createdMs: 0 };
const config = { osdMemoryMiB: 4096, settings: {} };
const one = [{ name: 'hv1', address: '10.0.1.11' }];

const view = (node: string, more: Partial<NodeView> = {}): NodeView => ({
  node,
  coordinator: true,
  address: `10.0.1.1${node.slice(2)}`,
  firstAddress: undefined,
  config,
  conf: undefined,
  keyrings: false,
  mon: 'none',
  mgrKey: false,
  serving: new Set(),
  ...more,
});
const whole = (node: string, monitors = one): NodeView =>
  view(node, {
    conf: cephConf({ spec, monitors, node, address: `10.0.1.1${node.slice(2)}`, ...config }),
    keyrings: true,
    mon: 'whole',
    mgrKey: true,
    serving: new Set(['mon', 'mgr'] as const),
  });
const steps = (...args: Parameters<typeof planNode>): string[] => planNode(...args).steps.map((step) => step.do);

describe('the storage part of a node', () => {
  for (const [what, monitors, seen, wanted] of [
    ['the first coordinator begins alone', [], view('hv1'), ['conf', 'mon-first', 'serve-mon']],
    [
      'and settles Ceph once its monitor answers',
      one,
      { ...whole('hv1'), mgrKey: false, serving: new Set(['mon'] as const) },
      ['settle', 'mgr-key', 'serve-mgr'],
    ],
    ['another waits until it knows where the first one is', [], view('hv2'), []],
    [
      'then it can ask it, since the primary may be any of them',
      [],
      view('hv2', { firstAddress: '10.0.1.11' }),
      ['conf'],
    ],
    [
      'and joins it no sooner than it is told of it',
      [],
      { ...whole('hv2'), mon: 'none' as const, firstAddress: '10.0.1.11' },
      [],
    ],
    ['and joins it then', one, view('hv2'), ['conf', 'mon-join', 'serve-mon', 'mgr-key', 'serve-mgr']],
    ['a hypervisor only needs files', one, view('hv4', { coordinator: false }), ['conf']],
    [
      'a monitor that was cut off while it was made is made again',
      one,
      { ...whole('hv2'), mon: 'half' as const },
      ['mon-join'],
    ],
    ['what runs is adopted', one, { ...whole('hv2'), serving: new Set<never>() }, ['serve-mon', 'serve-mgr']],
    ['nothing is done twice', one, whole('hv2'), []],
    ['ceph.conf follows the monitors', [...one, { name: 'hv3', address: '10.0.1.13' }], whole('hv2'), ['conf']],
  ] as const)
    it(what, () => assert.deepEqual(steps(spec, monitors, seen), wanted));

  it('is told when the node has no address there', () =>
    assert.throws(
      () => planNode(spec, one, view('hv2', { address: undefined })),
      /hv2 has no address in the storage network/,
    ));
});
