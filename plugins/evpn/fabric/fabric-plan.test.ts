import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Upstream } from '../upstream/upstream-conf.ts';
import { silentNodes } from './fabric-health.ts';
import { type FabricView, fabricOf, planFabric } from './fabric-plan.ts';
import { frrConf } from './frr-conf.ts';

const nodes = [
  { name: 'hv1', role: 'coordinator', address: '10.10.0.11' },
  { name: 'hv2', role: 'coordinator', address: '10.10.0.12' },
  { name: 'hv3', role: 'hypervisor', address: '10.10.0.13' },
] as const;
const upstream: Upstream = { routers: [], receive: 'nothing', prefixes: [] };
const router = { address: '10.10.2.1', asn: 64_512, bfd: false };
const cluster = { asn: 65_500, bfd: false, upstream, cidr: '10.10.0.0/24', self: 'hv1', networks: 1, nodes };
const wanted = fabricOf(cluster) ?? assert.fail('a fabric is wanted');
const text = frrConf(wanted);
const well: FabricView = { wanted, conf: text, loaded: text, serving: true, answers: true };
const doing = (view: Partial<FabricView>): string[] => planFabric({ ...well, ...view }).steps.map((step) => step.do);

describe('the fabric of a node', () => {
  it('is there once there is something to tell, and somebody to tell it', () => {
    assert.equal(fabricOf({ ...cluster, networks: 0 }), undefined);
    assert.equal(fabricOf({ ...cluster, cidr: undefined }), undefined);
    assert.equal(fabricOf({ ...cluster, nodes: nodes.slice(0, 1) }), undefined);
    const routed = { ...cluster, upstream: { ...upstream, routers: [router] } };
    assert.notEqual(fabricOf({ ...routed, nodes: nodes.slice(0, 1) }), undefined);
    assert.equal(fabricOf({ ...routed, networks: 0 }), undefined);
    assert.equal(fabricOf({ ...cluster, nodes: [{ ...nodes[0], address: undefined }, nodes[1]] }), undefined);
    assert.deepEqual(doing({ wanted: undefined, conf: undefined, serving: false }), []);
  });

  it('is left alone when all is well', () => assert.deepEqual(doing({}), []));

  it('is written and started, and read again only by an FRR that answers', () => {
    assert.deepEqual(doing({ conf: undefined, loaded: undefined, serving: false, answers: false }), ['files', 'serve']);
    assert.deepEqual(doing({ answers: false, loaded: undefined }), []);
    assert.deepEqual(doing({ loaded: undefined }), ['reload']);
    assert.deepEqual(doing({ conf: 'old', loaded: 'old' }), ['files', 'reload']);
  });

  it('is adopted by the next daemon', () => assert.deepEqual(doing({ serving: false }), ['serve']));

  it('is told what was written by a daemon that died before', () =>
    assert.deepEqual(doing({ loaded: 'old' }), ['reload']));

  it('says the passwords of routers again, and which have none', () => {
    const routers = [
      { ...router, password: 'one' },
      { ...router, address: 'fd00:2::1' },
    ];
    const routed = { ...wanted, upstream: { ...upstream, routers } };
    const [step] = planFabric({ ...well, wanted: routed, conf: frrConf(routed) }).steps;
    assert.deepEqual(step?.passwords, [
      'router bgp 65500',
      ' neighbor 10.10.2.1 password one',
      ' no neighbor fd00:2::1 password',
    ]);
    assert.ok(!step?.text.includes('one'));
    assert.deepEqual(planFabric({ ...well, loaded: 'old' }).steps[0]?.passwords, []);
  });

  it('names the coordinators that FRR must know as neighbours', () => {
    const [step] = planFabric({ ...well, loaded: 'old' }).steps;
    assert.deepEqual(step?.named, ['10.10.0.12']);
  });
});

describe('nodes that are not heard', () => {
  const everybody = new Set(['hv1', 'hv2', 'hv3']);
  const heard = (...addresses: string[]) => new Set(addresses);

  it('are those that run and have no session', () => {
    assert.deepEqual(silentNodes(wanted, heard('10.10.0.12', '10.10.0.13'), everybody), []);
    assert.deepEqual(silentNodes(wanted, heard('10.10.0.12'), everybody), ['hv3']);
    assert.deepEqual(silentNodes(wanted, heard(), everybody), ['hv2', 'hv3']);
    assert.deepEqual(silentNodes(wanted, heard(), new Set(['hv1'])), []);
  });

  it('are coordinators only, for a hypervisor', () => {
    const self = nodes[2];
    const more = [...nodes, { name: 'hv4', role: 'hypervisor', address: '10.10.0.14' } as const];
    assert.deepEqual(silentNodes({ self, nodes: more }, heard(), new Set([...everybody, 'hv4'])), ['hv1', 'hv2']);
  });
});
