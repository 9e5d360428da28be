import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { reverseName, reverseZones } from './reverse.ts';

const zeros = (count: number): string => '0.'.repeat(count);

const isWithin = (name: string, zone: string): boolean => name.endsWith(`.${zone}`);

describe('reverse names', () => {
  it('are the address from its end', () => {
    assert.equal(reverseName('10.20.0.5'), '5.0.20.10.in-addr.arpa');
    assert.equal(reverseName('fd20::a1'), `1.a.${zeros(27)}2.d.f.ip6.arpa`);
    assert.equal(reverseName('::ffff:1.2.3.4'), `4.0.3.0.2.0.1.0.f.f.f.f.${zeros(20)}ip6.arpa`);
  });
});

describe('reverse zones', () => {
  for (const [prefix, zones] of [
    ['10.20.0.0/24', ['0.20.10.in-addr.arpa']],
    ['10.20.0.0/16', ['20.10.in-addr.arpa']],
    ['10.0.0.0/8', ['10.in-addr.arpa']],
    ['10.20.4.0/22', ['4', '5', '6', '7'].map((third) => `${third}.20.10.in-addr.arpa`)],
    ['172.16.0.0/15', ['16.172.in-addr.arpa', '17.172.in-addr.arpa']],
    ['10.20.0.64/26', ['0.20.10.in-addr.arpa']],
    ['10.20.0.4/32', ['0.20.10.in-addr.arpa']],
    ['fd20::/64', [`${zeros(13)}2.d.f.ip6.arpa`]],
    ['fd20::/62', ['0', '1', '2', '3'].map((last) => `${last}.${zeros(12)}2.d.f.ip6.arpa`)],
    ['2001:db8::/32', ['8.b.d.0.1.0.0.2.ip6.arpa']],
  ] as const)
    it(`of ${prefix}`, () => assert.deepEqual(reverseZones(prefix), zones));

  it('hold the reverse name of every address of their prefix, and are no more than it takes', () => {
    const address = fc.tuple(
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.integer({ min: 8, max: 32 }),
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    );
    const dotted = (number: number): string => [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
    fc.assert(
      fc.property(address, ([base, length, other]) => {
        const mask = length === 32 ? 2 ** 32 - 1 : ~(2 ** (32 - length) - 1) >>> 0;
        const zones = reverseZones(`${dotted((base & mask) >>> 0)}/${length}`);
        const inside = ((base & mask) | (other & ~mask)) >>> 0;
        assert.equal(zones.filter((zone) => isWithin(reverseName(dotted(inside)), zone)).length, 1);
        assert.ok(zones.length <= 128);
      }),
    );
  });

  it('hold the reverse name of every address of an IPv6 prefix', () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(
        fc.tuple(group, group, group, group),
        group,
        fc.integer({ min: 49, max: 64 }),
        (head, tail, length) => {
          const keep = 0xffff & ~(2 ** (64 - length) - 1);
          const [a, b, c, d] = head;
          const text = (last: number, rest: string): string =>
            `${[a, b, c, last].map((one) => one.toString(16)).join(':')}:${rest}`;
          const zones = reverseZones(`${text(d & keep, ':')}/${length}`);
          const inside = text((d & keep) | (tail & ~keep & 0xffff), `1:2:3:${tail.toString(16)}`);
          assert.equal(zones.filter((zone) => isWithin(reverseName(inside), zone)).length, 1);
          assert.ok(zones.length <= 8);
        },
      ),
    );
  });
});
