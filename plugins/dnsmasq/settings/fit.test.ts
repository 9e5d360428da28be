import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { withCode } from '../../../test/fixtures/expect.ts';
import { addressOf, hostsOf, isIn, netOf, numberOf } from '../addresses.ts';
import type { Network } from '../network.ts';
import { reservationProblem, settingsProblems, usualRange } from './fit.ts';
import { type SettingsInput, settingsAsAsked, usualSettings } from './settings-input.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const ipv4 = { prefix: '10.20.0.0/24', gateway: '10.20.0.1' };
const ipv6 = { prefix: 'fd20::/64', gateway: 'fd20::1' };
const office: Network = { name: 'office', vni: 10_000, mtu: 1450, ipv4, ipv6: null, domain: null };
const both: Network = { ...office, ipv6 };
const bare: Network = { ...office, ipv4: { prefix: '10.20.0.0/24', gateway: null } };

const asked = (network: Network, input: SettingsInput) =>
  settingsAsAsked(network, usualSettings(network, instance), input);

describe('DHCP settings', () => {
  it('have all that nobody asks for', () => {
    const { ranges, ipv6: mode, leaseTimeS } = asked(office, {});
    assert.deepEqual([ranges, mode, leaseTimeS], [[{ from: '10.20.0.2', to: '10.20.0.254' }], 'none', 43_200]);
    assert.equal(asked(both, {}).ipv6, 'stateless');
    assert.deepEqual(asked(both, { ipv6: 'stateful' }).ipv6Range, { from: 'fd20::1:0', to: 'fd20::1:ffff' });
  });

  it('stay as they are where nothing is said', () => {
    const before = asked(both, { ntp: ['10.20.0.9'], ipv6: 'stateful', bootFile: 'a', nextServer: '10.20.0.5' });
    assert.deepEqual(settingsAsAsked(both, before, {}), before);
    assert.deepEqual(settingsAsAsked(both, before, { ntp: [], ipv6: 'none', bootFile: null, nextServer: null }), {
      ...before,
      ntp: [],
      ipv6: 'none',
      ipv6Range: null,
      boot: null,
    });
  });

  for (const [what, network, input, reason] of [
    ['in a network without a gateway', bare, {}, /no gateway/],
    ['with a range outside the network', office, { range: ['10.21.0.5-10.21.0.9'] }, /is outside 10\.20\.0\.0\/24/],
    ['with a range half outside', office, { range: ['10.20.0.250-10.20.1.9'] }, /10\.20\.1\.9 .* is outside/],
    ['with a range that ends before it begins', office, { range: ['10.20.0.9-10.20.0.5'] }, /ends before it begins/],
    [
      'with the gateway in a range',
      both,
      { range: ['10.20.0.1-10.20.0.9'] },
      /holds 10\.20\.0\.1, which is the gateway/,
    ],
    ['with the network’s address in a range', office, { range: ['10.20.0.0-10.20.0.0'] }, /network’s own address/],
    ['with the broadcast address in a range', office, { range: ['10.20.0.200-10.20.0.255'] }, /broadcast/],
    ['with ranges that overlap', office, { range: ['10.20.0.20-10.20.0.30', '10.20.0.10-10.20.0.20'] }, /overlap/],
    ['with an address that is none', office, { range: ['999.1.1.1-999.1.1.2'] }, /999\.1\.1\.1/],
    ['with IPv6 addresses as a range of IPv4', both, { range: ['fd20::5-fd20::9'] }, /not of IPv4/],
    ['with IPv6 and no gateway of it', office, { ipv6: 'stateless' }, /no IPv6 gateway/],
    ['with a range of IPv6 that is not given', both, { ipv6Range: 'fd20::5-fd20::9' }, /stateful/],
    ['with a range outside the prefix', both, { ipv6: 'stateful', ipv6Range: 'fd21::5-fd21::9' }, /outside fd20::\/64/],
    ['with a route through nowhere', office, { route: ['10.30.0.0/16=10.31.0.1'] }, /outside 10\.20\.0\.0\/24/],
    ['with a route that is none', office, { route: ['10.30.0.0/99=10.20.0.9'] }, /10\.30\.0\.0\/99/],
    ['with a boot file that nobody has', office, { bootFile: 'pxelinux.0' }, /TFTP/],
    [
      'with a range in a network without IPv4',
      { ...both, ipv4: null },
      { range: ['10.20.0.5-10.20.0.9'] },
      /no IPv4 gateway/,
    ],
  ] as const)
    it(`are refused ${what}`, () =>
      assert.throws(
        () => asked(network, input as SettingsInput),
        (error: Error) => withCode('DHCP_INVALID')(error) && reason.test(error.message),
      ));

  it('need 64 bits of IPv6', () => {
    const wide = { ...both, ipv6: { prefix: 'fd20::/56', gateway: 'fd20::1' } };
    assert.equal(asked(wide, {}).ipv6, 'none');
    assert.match(settingsProblems(asked(both, {}), wide).join(), /64 bits, and fd20::\/56 has 56/);
  });
});

describe('the usual range', () => {
  it('is in the network, in order, and without the gateway, whatever the network', () => {
    const any = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 8, max: 31 }), fc.nat());
    fc.assert(
      fc.property(any, ([base, bits, pick]) => {
        const net = netOf(`${addressOf(BigInt(base), 'ipv4')}/${bits}`);
        const { first, last } = hostsOf(net);
        const gateway = addressOf(first + (BigInt(pick) % (last - first + 1n)), 'ipv4');
        const prefix = `${addressOf(net.first, 'ipv4')}/${bits}`;
        const ranges = usualRange({ prefix, gateway });
        const network = { ipv4: { prefix, gateway }, ipv6: null };
        assert.deepEqual(settingsProblems({ ranges, routes: [], ipv6: 'none', ipv6Range: null }, network), []);
        assert.equal(ranges.length, 1);
      }),
    );
  });
});

describe('a reserved address', () => {
  for (const [address, problem] of [
    ['10.20.0.10', undefined],
    ['10.20.0.254', undefined],
    ['10.20.0.0', /network’s own/],
    ['10.20.0.255', /broadcast/],
    ['10.20.0.1', /gateway/],
    ['10.20.1.1', /outside/],
  ] as const)
    it(`may ${problem === undefined ? '' : 'not '}be ${address}`, () => {
      const found = reservationProblem(address, office);
      if (problem === undefined) assert.equal(found, undefined);
      else assert.match(found ?? '', problem);
    });

  it('is none where there is no gateway', () =>
    assert.match(reservationProblem('10.20.0.10', bare) ?? '', /no IPv4 gateway/));
});

describe('addresses as numbers', () => {
  it('are the same when they are addresses again', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), (value) => {
        assert.equal(numberOf(addressOf(value, 'ipv6')), value);
        const small = value % 2n ** 32n;
        assert.equal(numberOf(addressOf(small, 'ipv4')), small);
      }),
    );
  });

  it('lie in networks of their own family', () => {
    assert.ok(isIn(netOf('10.20.0.0/24'), '10.20.0.255'));
    assert.ok(!isIn(netOf('0.0.0.0/0'), '::1'));
    assert.ok(!isIn(netOf('::/0'), '10.0.0.1'));
  });
});
