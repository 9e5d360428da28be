import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { aGuest, aNode, aWorld, placedWorld } from '../../test/fixtures/placement-world.ts';
import type { VmDoc } from './guest-control.ts';
import { Ledger, type World } from './ledger.ts';
import { byImportance, judged, type Placements, placeAll } from './place-all.ts';
import { hostReserveMiB } from './placement.ts';
import type { Rule } from './rule/rule-kind.ts';

const short = ({ placements, without }: Placements): string[] => [
  ...placements.map((one) => `${one.guest.spec.name}→${one.node}`),
  ...without.map((one) => `${one.guest.spec.name}: ${one.reasons.join(', ')}`),
];

describe('many guests at once', () => {
  it('are placed by importance, and who has no room is told why', () => {
    const guests = [
      aGuest('low', 'a', { memoryMiB: 300, priority: 100 }),
      aGuest('high', 'a', { memoryMiB: 300, priority: 900 }),
      aGuest('big', 'a', { memoryMiB: 200 }),
      aGuest('small', 'a'),
    ];
    const all = aWorld([aNode('a', 2000, 'flush'), aNode('b', 300), aNode('c', 300)], guests);
    assert.deepEqual(short(placeAll(guests, all)), [
      'high→b',
      'big→c',
      'small→c',
      'low: b: only 0 MiB of its memory are not promised to guests, c: only 0 MiB of its memory are not promised to guests',
    ]);
  });

  it('take those along that strict rules keep with them, also one that is off', () => {
    const guests = [aGuest('web', 'a'), aGuest('cache', 'a', { run: 'stopped' }), aGuest('other', 'b')];
    const rules: Rule[] = [
      { name: 'pair', kind: 'together', strict: true, guests: ['web', 'cache'] },
      { name: 'spread', kind: 'apart', strict: true, guests: ['cache', 'other'] },
    ];
    const all = aWorld([aNode('a', 900, 'flush'), aNode('b', 900), aNode('c', 200)], guests, rules);
    assert.deepEqual(short(placeAll([guests[0] as VmDoc], all)), ['cache→c', 'web→c']);
  });
});

/** Node `n0` is to be emptied. */
const emptied = placedWorld.map((all) => ({
  ...all,
  nodes: all.nodes.map((one) =>
    one.id === 'n0' ? { ...one, spec: { ...one.spec, domainState: 'flush' as const } } : one,
  ),
}));

const leaving = (all: World): VmDoc[] => all.guests.filter(({ spec }) => spec.node === 'n0');

describe('a plan for many guests', () => {
  it('promises no memory twice and breaks no strict rule', () => {
    fc.assert(
      fc.property(emptied, (all) => {
        const { placements } = placeAll(leaving(all), all);
        const after = new Ledger(all);
        for (const one of placements) after.place(one.guest, one.node);
        for (const target of new Set(placements.map((one) => one.node))) {
          const machineMiB = all.nodes.find(({ id }) => id === target)?.status?.machine.memoryMiB ?? 0;
          assert.ok(after.taken(target).promisedMiB <= machineMiB - hostReserveMiB, `${target} is overbooked`);
        }
        for (const one of placements) {
          const broken = after.breaches(new Set([one.guest.spec.name]), one.node).filter(({ rule }) => rule.strict);
          assert.deepEqual(
            broken.map(({ text }) => text),
            [],
          );
          assert.ok(one.guest.spec.limit.length === 0 || one.guest.spec.limit.includes(one.node));
        }
      }),
      { numRuns: 400 },
    );
  });

  it('is the same in whatever order the guests stand', () => {
    fc.assert(
      fc.property(emptied, (all) => {
        const turned = { ...all, guests: all.guests.toReversed() };
        assert.deepEqual(short(placeAll(leaving(all), all)), short(placeAll(leaving(turned), turned)));
      }),
      { numRuns: 200 },
    );
  });

  it('leaves nobody without room for the sake of a less important one', () => {
    fc.assert(
      fc.property(emptied, (all) => {
        const { placements, without } = placeAll(leaving(all), all);
        const before = new Ledger(all);
        for (const { guest: left } of without) {
          const group = before.groupOf(left);
          const rank = group.toSorted(byImportance)[0] ?? left;
          // As it would be without all that are less important.
          const ledger = new Ledger(all);
          for (const one of placements) {
            const other = before.groupOf(one.guest).toSorted(byImportance)[0] ?? one.guest;
            if (byImportance(other, rank) < 0) ledger.place(one.guest, one.node);
          }
          for (const one of judged(group, ledger))
            if (one.node !== 'n0') assert.notDeepEqual(one.refusals, [], `${left.spec.name} on ${one.node}`);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('for 2,000 guests and 100 nodes is made within a second of CPU time', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => aNode(`n${index}`, 100_000, index < 5 ? 'flush' : 'ready'));
    const guests = Array.from({ length: 2_000 }, (_, index) =>
      aGuest(`g${index}`, `n${index % 100}`, { memoryMiB: 1000 + index }),
    );
    const all = aWorld(nodes, guests);
    const away = guests.filter((_, index) => index % 100 < 5);
    const before = process.cpuUsage();
    assert.equal(placeAll(away, all).placements.length, 100);
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    assert.ok(tookMs < 1_000, `it took ${Math.round(tookMs)} ms`);
  });
});
