import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { placesOf } from './floating-place.ts';

const link = (ifname: string, ...addresses: readonly string[]) => ({
  ifname,
  addr_info: addresses.map((text) => {
    const [local = '', length] = text.split('/');
    return { local, prefixlen: Number(length), scope: local.startsWith('fe80') ? 'link' : 'global' };
  }),
});
const node = JSON.stringify([
  link('lo', '127.0.0.1/8'),
  link('eno1', '10.10.0.11/24', '10.10.0.10/32', 'fe80::1/64'),
  link('eno2', '198.51.100.11/24', '2001:db8::11/64', '198.51.100.129/25'),
  link('pvcn100', '10.20.0.1/24'),
  {},
]);
const of = (...floating: string[]) => placesOf(node, floating);

describe('a floating address of the site', () => {
  it('belongs on the link that has an address of its own in that network', () => {
    assert.deepEqual(of('198.51.100.10', '2001:db8::10'), {
      placed: [
        { device: 'eno2', address: '198.51.100.10/32' },
        { device: 'eno2', address: '2001:db8::10/128' },
      ],
      reasons: [],
    });
  });

  it('stays where it is once it is there', () => {
    const held = JSON.stringify([link('eno2', '198.51.100.11/24', '198.51.100.10/32')]);
    assert.deepEqual(placesOf(held, ['198.51.100.10']).placed, [{ device: 'eno2', address: '198.51.100.10/32' }]);
  });

  it('has no place in another network, in one of guests, or on a link alone', () => {
    for (const address of ['198.51.101.10', '2001:db8:1::10', '10.20.0.9', 'fe80::10']) {
      const { placed, reasons } = of(address);
      assert.deepEqual([placed, reasons.length, reasons[0]?.includes(address)], [[], 1, true], address);
    }
    assert.equal(placesOf('', ['198.51.100.10']).reasons.length, 1);
  });

  it('is none that the node has as its own', () => {
    assert.match(of('198.51.100.11').reasons[0] ?? '', /198\.51\.100\.11 is an address of this node itself/);
  });
});
