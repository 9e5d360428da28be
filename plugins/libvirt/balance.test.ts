import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { aGuest, aNode, aWorld, placedWorld } from '../../test/fixtures/placement-world.ts';
import { evenWithin, planBalance } from './balance.ts';
import { Ledger, type World } from './ledger.ts';
import { hostReserveMiB } from './placement.ts';
import type { Rule } from './rule/rule-kind.ts';

const short = (world: World): string[] => planBalance(world).moves.map((one) => `${one.guest.spec.name}→${one.to}`);

/** The world once every move has been made. */
function carriedOut(world: World): World {
  const goals = new Map(planBalance(world).moves.map(({ guest, to }) => [guest.id, to]));
  const guests = world.guests.map((doc) => ({
    ...doc,
    spec: { ...doc.spec, node: goals.get(doc.id) ?? doc.spec.node },
  }));
  return { ...world, guests };
}

/** Guests that do not keep to rules, each counted once for each rule and other guest. */
function broken(world: World, strict: boolean): number {
  const ledger = new Ledger(world);
  return world.guests.flatMap(({ spec }) =>
    ledger.breaches(new Set([spec.name]), spec.node).filter(({ rule }) => rule.strict === strict),
  ).length;
}

const rule = (name: string, kind: Rule['kind'], strict: boolean, ...guests: string[]): Rule => ({
  name,
  kind,
  strict,
  guests,
});

describe('a plan to balance', () => {
  it('moves few guests from the fullest node to the emptiest', () => {
    const guests = ['a', 'b', 'c', 'd'].map((name) => aGuest(name, 'n0'));
    assert.deepEqual(short(aWorld([aNode('n0', 1000), aNode('n1', 1000)], guests)), ['a→n1', 'b→n1']);
  });

  it('is empty where nodes are nearly even', () => {
    const guests = [aGuest('a', 'n0'), aGuest('b', 'n0'), aGuest('c', 'n1')];
    assert.deepEqual(short(aWorld([aNode('n0', 1000), aNode('n1', 1000)], guests)), []);
  });

  it('mends strict rules, the less important guest giving way, and keeps together what belongs so', () => {
    const guests = [
      aGuest('dear', 'n0', { priority: 900 }),
      aGuest('dull', 'n0', { priority: 100 }),
      aGuest('web', 'n1'),
      aGuest('cache', 'n2'),
    ];
    const rules = [rule('r1', 'apart', true, 'dear', 'dull'), rule('r2', 'together', true, 'web', 'cache')];
    const world = aWorld([aNode('n0', 2000), aNode('n1', 2000), aNode('n2', 2000)], guests, rules);
    assert.match(short(world).join(), /dull→n[12]/);
    assert.equal(broken(carriedOut(world), true), 0);
  });

  it('leaves guests alone that are limited, on their way, or on a node that does not answer', () => {
    const guests = [
      aGuest('bound', 'n0', { limit: ['n0'], memoryMiB: 300 }),
      aGuest('moving', 'n0', { transfer: { to: 'n1', task: 't' } }),
      aGuest('lost', 'n2', { memoryMiB: 800 }),
    ];
    const world = aWorld([aNode('n0', 1000), aNode('n1', 1000), aNode('n2', 1000)], guests);
    assert.deepEqual(short({ ...world, alive: new Set(['n0', 'n1']) }), []);
  });
});

describe('a balance, whatever the cluster', () => {
  it('breaks no rule, promises no memory twice, and needs nothing more once it is carried out', () => {
    fc.assert(
      fc.property(placedWorld, (world) => {
        const after = carriedOut(world);
        assert.ok(broken(after, true) <= broken(world, true));
        if (broken(after, true) === broken(world, true)) assert.ok(broken(after, false) <= broken(world, false));
        const ledger = new Ledger(after);
        for (const node of world.nodes)
          assert.ok(
            ledger.taken(node.id).promisedMiB <= (node.status?.machine.memoryMiB ?? 0) - hostReserveMiB,
            `${node.id} is overbooked`,
          );
        assert.deepEqual(short(after), []);
      }),
      { numRuns: 400 },
    );
  });

  it('without rules and limits leaves no node much fuller than another that has room for one of its guests', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 1, maxLength: 24 }), (places) => {
        const nodes = [0, 1, 2, 3].map((number) => aNode(`n${number}`, 5000));
        const guests = places.map((number, index) => aGuest(`g${index}`, `n${number}`));
        const { after } = planBalance(aWorld(nodes, guests));
        const shares = after.map(({ promisedMiB, roomMiB }) => promisedMiB / roomMiB);
        assert.ok(Math.max(...shares) - Math.min(...shares) <= evenWithin);
      }),
      { numRuns: 100 },
    );
  });

  it('of 100 nodes and 2,000 guests is planned within a second of CPU time', () => {
    const nodes = Array.from({ length: 100 }, (_, index) => aNode(`n${index}`, 60_000));
    // The first ten nodes are twice as full as the others.
    const guests = Array.from({ length: 2_000 }, (_, index) =>
      aGuest(`g${index}`, `n${index < 400 ? index % 10 : index % 100}`, { memoryMiB: 900 + (index % 200) }),
    );
    const world = aWorld(nodes, guests);
    const before = process.cpuUsage();
    const { moves } = planBalance(world);
    const { user, system } = process.cpuUsage(before);
    assert.ok(moves.length > 50 && moves.length < 600, `${moves.length} moves`);
    assert.ok((user + system) / 1000 < 1_000, `it took ${Math.round((user + system) / 1000)} ms`);
  });
});
