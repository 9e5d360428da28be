import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { contains, type Family, firstHost, overlaps, readHost, readPrefix } from './prefix.ts';

const reasonOf = (answer: object): string =>
  'reason' in answer ? String(answer.reason) : `taken: ${JSON.stringify(answer)}`;

/** Bits of an address as a number; as simple as can be, to judge the other by. */
const numberOf = (text: string): bigint => {
  if (!text.includes(':')) return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
  const [head = '', tail = ''] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  const all = text.includes('::')
    ? [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)]
    : groups(head);
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
};
const bitsOf = (text: string): bigint => (text.includes(':') ? 128n : 32n);
/** First and last address of a prefix. */
const rangeOf = (prefix: string): [bigint, bigint] => {
  const [network = '', length = ''] = prefix.split('/');
  const size = 2n ** (bitsOf(network) - BigInt(length));
  return [numberOf(network), numberOf(network) + size - 1n];
};

const textOf = (family: Family, value: bigint): string =>
  family === 'ipv4'
    ? [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
    : Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 65_535n).toString(16)).join(':');

/** Usable prefixes: below 10.0.0.0/8 and fd00::/8, close enough together to meet. */
const prefixes: Record<Family, fc.Arbitrary<string>> = {
  ipv4: fc.tuple(fc.integer({ min: 20, max: 30 }), fc.nat(2 ** 14)).map(([length, host]) => {
    const size = 2n ** BigInt(32 - length);
    return `${textOf('ipv4', (((10n << 24n) + BigInt(host)) / size) * size)}/${length}`;
  }),
  ipv6: fc.tuple(fc.integer({ min: 116, max: 126 }), fc.nat(2 ** 14)).map(([length, host]) => {
    const size = 2n ** BigInt(128 - length);
    return `${textOf('ipv6', (((0xfdn << 120n) + BigInt(host)) / size) * size)}/${length}`;
  }),
};
const anyPrefix = fc.oneof(prefixes.ipv4, prefixes.ipv6);

describe('prefixes', () => {
  for (const [family, text, reason] of [
    ['ipv4', '999.1.1.1/24', /no IPv4 prefix/],
    ['ipv4', '010.1.1.0/24', /no IPv4 prefix/],
    ['ipv4', '10.1/16', /no IPv4 prefix/],
    ['ipv4', '10.20.0.0', /no IPv4 prefix/],
    ['ipv4', '10.20.0.0/33', /no IPv4 prefix/],
    ['ipv4', '10.20.0.0/24; reboot', /no IPv4 prefix/],
    ['ipv4', '10.20.0.0/24\n', /no IPv4 prefix/],
    ['ipv4', 'fd20::/64', /no IPv4 prefix/],
    ['ipv4', '', /no IPv4 prefix/],
    ['ipv4', '10.20.0.1/24', /bits of it are set that are for hosts/],
    ['ipv4', '10.0.0.0/7', /length is not 8 to 30/],
    ['ipv4', '10.20.0.0/31', /length is not 8 to 30/],
    ['ipv4', '127.0.0.0/8', /127\.0\.0\.0\/8 are for something else \(loopback\)/],
    ['ipv4', '169.0.0.0/8', /\(link-local\)/],
    ['ipv4', '224.0.0.0/24', /\(multicast\)/],
    ['ipv4', '0.0.0.0/8', /\(this host\)/],
    ['ipv4', '240.0.0.0/24', /\(reserved\)/],
    ['ipv6', '10.20.0.0/24', /no IPv6 prefix/],
    ['ipv6', 'fd20::1/64', /bits of it are set that are for hosts/],
    ['ipv6', 'fd20::/47', /length is not 48 to 126/],
    ['ipv6', 'fd20::/127', /length is not 48 to 126/],
    ['ipv6', 'fe80::/64', /\(link-local\)/],
    ['ipv6', 'ff02::/64', /\(multicast\)/],
    ['ipv6', '::/64', /are for something else/],
    ['ipv6', '::ffff:10.20.0.0/120', /IPv4 addresses|no IPv6 prefix/],
    ['ipv6', 'fec0::/64', /are for something else/],
  ] as const)
    it(`cannot be ${JSON.stringify(text)} (${family})`, () => assert.match(reasonOf(readPrefix(family, text)), reason));

  it('are kept in one way, however they are written', () => {
    assert.deepEqual(readPrefix('ipv6', 'FD20:0:0:0::/64'), { prefix: 'fd20::/64' });
    assert.deepEqual(readPrefix('ipv4', '10.20.0.0/24'), { prefix: '10.20.0.0/24' });
    assert.deepEqual(readPrefix('ipv4', '100.64.0.0/10'), { prefix: '100.64.0.0/10' });
    assert.deepEqual(readPrefix('ipv6', '2a00:1450::/48'), { prefix: '2a00:1450::/48' });
  });

  it('overlap when they have an address in common', () =>
    fc.assert(
      fc.property(anyPrefix, anyPrefix, (one, other) => {
        const [[a, b], [c, d]] = [rangeOf(one), rangeOf(other)];
        assert.equal(overlaps(one, other), one.includes(':') === other.includes(':') && a <= d && c <= b);
        assert.equal(overlaps(other, one), overlaps(one, other));
      }),
    ));
});

describe('addresses of hosts in a prefix', () => {
  for (const family of ['ipv4', 'ipv6'] as const)
    it(`are all but the reserved ones (${family})`, () =>
      fc.assert(
        fc.property(prefixes[family], fc.nat(2 ** 14), (prefix, host) => {
          const [low, high] = rangeOf(prefix);
          const value = (family === 'ipv4' ? 10n << 24n : 0xfdn << 120n) + BigInt(host);
          const text = textOf(family, value);
          assert.equal(contains(prefix, text), low <= value && value <= high);
          const taken = low < value && (family === 'ipv4' ? value < high : value <= high);
          const answer = readHost(family, prefix, text);
          assert.equal('address' in answer, taken, JSON.stringify(answer));
          if ('address' in answer) assert.equal(numberOf(answer.address), value);
        }),
      ));

  it('begin after that of the network', () =>
    fc.assert(
      fc.property(anyPrefix, (prefix) => {
        const first = firstHost(prefix);
        assert.equal(numberOf(first), rangeOf(prefix)[0] + 1n);
        assert.deepEqual(readHost(prefix.includes(':') ? 'ipv6' : 'ipv4', prefix, first), { address: first });
      }),
    ));

  for (const [text, reason] of [
    ['10.20.0.0', /the network itself/],
    ['10.20.0.255', /broadcast/],
    ['10.20.1.1', /not in 10\.20\.0\.0\/24/],
    ['fd20::1', /no IPv4 address/],
    ['10.20.0.1/24', /no IPv4 address/],
    ['10.20.0.01', /no IPv4 address/],
    ['-c', /no IPv4 address/],
  ] as const)
    it(`are not ${text}`, () => assert.match(reasonOf(readHost('ipv4', '10.20.0.0/24', text)), reason));
  it('are not that which every router has', () =>
    assert.match(reasonOf(readHost('ipv6', 'fd20::/64', 'fd20::')), /any router/));
});
