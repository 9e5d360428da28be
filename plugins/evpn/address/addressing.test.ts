import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { networkSpec } from '../network/network-kind.ts';
import { refuseOverlap, takenByNodes } from './address-plan.ts';
import { addressingAsAsked, changesOf, domainName, routedPrefixes, rowOfAddressing } from './addressing.ts';
import { readNodeNetworks } from './node-networks.ts';

const office = {
  ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.1' },
  ipv6: { prefix: 'fd20::/64', gateway: 'fd20::1' },
  domain: 'office.example',
};

describe('the addresses of a network', () => {
  for (const [what, before, asked, after] of [
    ['nothing', {}, {}, {}],
    ['a prefix alone', {}, { ipv4: '10.20.0.0/24' }, { ipv4: { prefix: '10.20.0.0/24' } }],
    [
      'all of them',
      {},
      { ipv4: '10.20.0.0/24', gateway4: 'first', ipv6: 'FD20::/64', gateway6: 'fd20:0::1', domain: 'office.example' },
      office,
    ],
    ['nothing new', office, {}, office],
    [
      'another gateway',
      office,
      { gateway4: '10.20.0.9' },
      { ...office, ipv4: { prefix: '10.20.0.0/24', gateway: '10.20.0.9' } },
    ],
    ['no gateway', office, { gateway6: 'none' }, { ...office, ipv6: { prefix: 'fd20::/64' } }],
    [
      'a prefix around the old one',
      office,
      { ipv4: '10.20.0.0/16' },
      { ...office, ipv4: { prefix: '10.20.0.0/16', gateway: '10.20.0.1' } },
    ],
    ['no IPv4', office, { ipv4: 'none' }, { ipv6: office.ipv6, domain: office.domain }],
    ['no domain', office, { domain: 'none' }, { ipv4: office.ipv4, ipv6: office.ipv6 }],
    ['none of what it has not', {}, { ipv4: 'none', gateway4: 'none', domain: 'none' }, {}],
  ] as const)
    it(`are as asked: ${what}`, () => assert.deepEqual(addressingAsAsked('n', before, asked), after));

  for (const [asked, reason] of [
    [{ gateway4: 'first' }, /gateway first: it has no IPv4 prefix/],
    [{ ipv4: 'first' }, /prefix first: it is no IPv4 prefix/],
    [{ ipv4: '10.20.0.0/24', gateway4: '10.21.0.1' }, /gateway 10\.21\.0\.1: it is not in 10\.20\.0\.0\/24/],
    [{ ipv4: '10.20.0.0/24', gateway4: '10.20.0.0' }, /the address of the network itself/],
  ] as const)
    it(`are refused: ${JSON.stringify(asked)}`, () => assert.throws(() => addressingAsAsked('n', {}, asked), reason));

  it('are refused when the gateway would be left outside', () =>
    assert.throws(
      () => addressingAsAsked('n', office, { ipv4: '10.99.0.0/24' }),
      /10\.20\.0\.1: it is not in 10\.99\.0\.0\/24/,
    ));

  it('are kept in its document, which needs none', () => {
    const spec = { name: 'office', type: 'managed', mtu: 1450, description: '' };
    assert.deepEqual(networkSpec.parse(spec), spec);
    assert.deepEqual(networkSpec.parse({ ...spec, ...office }), { ...spec, ...office });
  });

  it('are told', () => {
    assert.deepEqual(rowOfAddressing({}), { ipv4: null, ipv6: null, domain: null });
    assert.deepEqual(rowOfAddressing({ ipv4: { prefix: '10.20.0.0/24' } }).ipv4, {
      prefix: '10.20.0.0/24',
      gateway: null,
    });
    assert.deepEqual(changesOf(office, office), []);
    assert.deepEqual(changesOf(office, { ...office, domain: undefined }), ['set the domain: office.example → none']);
  });
});

describe('a domain', () => {
  for (const good of ['office.example', 'lan', 'a-b.c1.example', 'xn--bcher-kva.example', '10.example'])
    it(`is ${good}`, () => assert.equal(domainName.parse(good), good));
  for (const bad of [
    '',
    '.',
    'Office.example',
    'office.example.',
    '-a.example',
    'a-.example',
    'a..b',
    'a_b.example',
    '1',
    'a.1',
    'a b',
    'a\n',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(126)}aa`,
  ])
    it(`is not ${JSON.stringify(bad.slice(0, 20))}`, () => assert.equal(domainName.safeParse(bad).success, false));
});

describe('prefixes side by side', () => {
  const taken = [{ prefix: '10.10.0.0/16', whose: 'the cluster network' }];
  it('are those with a gateway', () => {
    assert.deepEqual(routedPrefixes(office), ['10.20.0.0/24', 'fd20::/64']);
    assert.deepEqual(routedPrefixes({ ipv4: { prefix: '10.20.0.0/24' } }), []);
  });
  it('do not overlap, and it is told with what', () => {
    refuseOverlap('n', ['10.20.0.0/24', 'fd20::/64'], taken);
    assert.throws(
      () => refuseOverlap('n', ['10.0.0.0/8'], taken),
      /10\.0\.0\.0\/8: that overlaps with 10\.10\.0\.0\/16 of the cluster network/,
    );
  });

  const device = (ifname: string, ...addresses: [string, number, string?][]) => ({
    ifname,
    addr_info: addresses.map(([local, prefixlen, scope = 'global']) => ({ local, prefixlen, scope })),
  });
  it('are those of the nodes as well', () => {
    const printed = JSON.stringify([
      {},
      device('lo', ['127.0.0.1', 8, 'host']),
      device('cluster', ['10.10.0.11', 24], ['10.10.0.10', 32], ['fe80::1', 64, 'link']),
      device('up', ['2a00:1::7', 64]),
      device('pvcn10000', ['10.20.0.1', 24]),
      device('bare'),
    ]);
    assert.deepEqual(readNodeNetworks(printed), ['10.10.0.0/24', '10.10.0.10/32', '2a00:1::/64']);
    assert.deepEqual(readNodeNetworks(''), []);
    const told = (facts: Record<string, string>) => ({ id: 'hv1', status: { facts: { evpn: facts } } as never });
    assert.deepEqual(
      takenByNodes([told({ networks: '10.10.0.0/24 10.10.1.0/24' }), told({ networks: '' }), told({})]),
      [
        { prefix: '10.10.0.0/24', whose: 'the node hv1' },
        { prefix: '10.10.1.0/24', whose: 'the node hv1' },
      ],
    );
  });
});
