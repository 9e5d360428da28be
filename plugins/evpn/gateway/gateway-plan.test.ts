import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Addressing } from '../address/addressing.ts';
import { announcement, gatewayAddresses, isWhole } from './gateway-plan.ts';

const both: Addressing = {
  ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
  ipv6: { prefix: 'fd20::/64', gateway: 'fd20::1' },
};
const on = (addressing: Addressing, bridges = ['pvcn100']): string[] =>
  gatewayAddresses([{ vni: '100', addressing }], new Set(bridges)).map(({ device, address }) => `${device} ${address}`);

describe('the addresses of gateways', () => {
  for (const [what, addressing, addresses] of [
    ['both families', both, ['10.20.0.1/24', 'fd20::1/64', 'fe80::1/64']],
    ['IPv4 alone', { ipv4: both.ipv4 }, ['10.20.0.1/24']],
    ['IPv6 alone', { ipv6: both.ipv6 }, ['fd20::1/64', 'fe80::1/64']],
    ['another length', { ipv4: { prefix: '10.16.0.0/12', gateway: '10.31.255.254' } }, ['10.31.255.254/12']],
    ['prefixes without gateways', { ipv4: { prefix: '10.20.0.0/24' }, ipv6: { prefix: 'fd20::/64' } }, []],
    ['a domain alone', { domain: 'office.example' }, []],
    ['nothing', {}, []],
  ] as const satisfies readonly (readonly [string, Addressing, readonly string[]])[])
    it(`are right for a network with ${what}`, () =>
      assert.deepEqual(
        on(addressing),
        addresses.map((one) => `pvcn100 ${one}`),
      ));

  it('put the primary into a network that has one on every node', () => {
    const of = (addressing: Addressing) =>
      gatewayAddresses([{ vni: '100', addressing, anycast: true }], new Set(['pvcn100'])).map(({ address }) => address);
    assert.deepEqual(of(both), ['10.20.0.1/24', 'fd20::/64']);
    assert.deepEqual(of({ ipv4: both.ipv4, ipv6: { prefix: 'fd20::/64' } }), ['10.20.0.1/24']);
    assert.deepEqual(of({}), []);
  });

  it('are on no bridge that is not there or is not PVC’s', () => {
    assert.deepEqual(on(both, ['pvcn101', 'pvcx100']), []);
    const networks = [{ vni: '100', addressing: both }];
    assert.equal(isWhole(networks, new Set(['pvcn100'])), true);
    assert.equal(isWhole(networks, new Set()), false);
    assert.equal(isWhole([{ vni: '100', addressing: {} }], new Set()), true);
  });

  it('are announced once for each bridge', () =>
    assert.equal(
      announcement(
        ['10.20.0.1/24', 'fd20::1/64'].map((address) => ({ device: 'pvcn100', address })),
        '02:70:0a:0a:00:0b',
      ),
      'link set dev pvcn100 address 02:70:0a:0a:00:0b\n',
    ));
});
