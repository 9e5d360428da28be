import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RenderContext } from '../../../core/plugin/api.ts';
import { ceilingOf, underlayFact } from './mtu.ts';
import { mostVni, network, networkSpec } from './network-kind.ts';
import type { NetworkRow } from './operations.ts';
import { renderNetworks } from './render.ts';
import { freeVni } from './vni.ts';

describe('documents of networks', () => {
  const spec = { name: 'office', type: 'managed', mtu: 1450, description: '' };

  it('are written and read back', () => assert.deepEqual(networkSpec.parse(spec), spec));

  for (const [what, change] of [
    ['a name with a slash', { name: 'a/b' }],
    ['a name like an option', { name: '-d' }],
    ['no name', { name: '' }],
    ['a type that there is not', { type: 'routed' }],
    ['a VLAN that there is not', { vlan: 4095 }],
    ['an MTU that IPv6 cannot live with', { mtu: 1279 }],
    ['an MTU that is no number of bytes', { mtu: 1450.5 }],
    ['a description of two lines', { description: 'a\nb' }],
    ['a field that there is not', { colour: 'red' }],
  ] as const)
    it(`are refused with ${what}`, () => assert.equal(networkSpec.safeParse({ ...spec, ...change }).success, false));

  it('are known by a number of 24 bits', () => {
    for (const id of ['0', '01', '16777216', '99999999', '-1', '1e3', 'office', ''])
      assert.equal(network.id.safeParse(id).success, false, id);
    for (const id of ['1', '10000', String(mostVni)]) assert.ok(network.id.safeParse(id).success);
  });
});

describe('a free number', () => {
  it('is free, and the lowest', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 9_990, max: 10_030 })), (list) => {
        const taken = new Set(list);
        const vni = freeVni(taken);
        assert.ok(!taken.has(vni) && vni >= 10_000);
        for (let lower = 10_000; lower < vni; lower += 1) assert.ok(taken.has(lower));
      }),
    );
  });
});

describe('the largest MTU', () => {
  const node = (id: string, mtu?: number) => ({
    id,
    status: mtu === undefined ? undefined : ({ facts: { evpn: { [underlayFact]: mtu } } } as never),
  });

  it('is that of the node that carries least', () => {
    assert.deepEqual(ceilingOf([node('hv1', 9000), node('hv2', 1500), node('hv3', 9000)]), { node: 'hv2', mtu: 1450 });
    assert.equal(ceilingOf([node('hv1', 9000)]).mtu, 8950);
  });

  it('is Ethernet’s where a node has not told', () => {
    assert.deepEqual(ceilingOf([node('hv1', 9000), node('hv2')]), { node: 'hv2', mtu: 1450 });
    assert.equal(ceilingOf([]).mtu, 1450);
  });
});

describe('networks in a list', () => {
  const context: RenderContext = { width: 200, colour: false, nowMs: 0 };
  const office: NetworkRow = {
    ...{ name: 'office', type: 'managed', vni: 100, vlan: null, device: null, mtu: 1450, description: '' },
    ...{ ipv4: null, ipv6: null, domain: null, gatewayMode: 'primary', nat: false, guests: 0 },
  };
  const fast: NetworkRow = { ...office, name: 'fast', type: 'sriov', vni: 101, vlan: 130, device: 'ens1f0', mtu: 1500 };
  const cells = (...rows: NetworkRow[]): string[][] =>
    renderNetworks(rows, context)
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/ +/));

  it('show the link whose virtual functions guests have, and no number that no packet carries', () => {
    const [titles, , second] = cells(office, fast);
    assert.ok(titles?.includes('DEVICE'));
    assert.deepEqual(second?.slice(0, 5), ['fast', '-', '130', 'sriov', 'ens1f0']);
  });
  it('show no link where none has functions', () => assert.ok(!cells(office)[0]?.includes('DEVICE')));
});
