/** How long it takes to find places for the guests of a large cluster: pure planning, in this process. @module */
import { planBalance } from '../../plugins/libvirt/balance.ts';
import type { World } from '../../plugins/libvirt/ledger.ts';
import { placeAll } from '../../plugins/libvirt/place-all.ts';
import type { Rule } from '../../plugins/libvirt/rule/rule-kind.ts';
import { aGuest, aNode, aWorld } from '../fixtures/placement-world.ts';
import { type Figure, median } from './figure.ts';

const nodeCount = 100;
const guestCount = 2_000;
const roomMiB = 64_000;
const runs = 5;
const goal = '≤ 1 s';

/**
 * Guests of 1 to 4 GiB and of five priorities on the first `used` of a hundred nodes; of every ten, two are kept apart and
 * two together.
 */
function world(used: number): World {
  const nodes = Array.from({ length: nodeCount }, (_, at) => aNode(`hv${at + 1}`, roomMiB));
  const guests = Array.from({ length: guestCount }, (_, at) =>
    aGuest(`g${at}`, `hv${(at % used) + 1}`, { memoryMiB: 1_024 * (1 + (at % 4)), priority: 100 * (1 + (at % 5)) }),
  );
  const rules = Array.from({ length: guestCount / 10 }, (_, at): Rule[] => [
    { name: `apart${at}`, kind: 'apart', strict: true, guests: [`g${10 * at}`, `g${10 * at + 1}`] },
    {
      name: `pair${at}`,
      kind: 'together',
      strict: at % 2 === 0,
      guests: [`g${10 * at + 2}`, `g${10 * at + 2 + used}`],
    },
  ]).flat();
  const known = new Set(guests.map(({ spec }) => spec.name));
  return aWorld(
    nodes,
    guests,
    rules.filter((rule) => rule.guests.every((name) => known.has(name))),
  );
}

function timed(what: string, act: () => string): Figure {
  let note = '';
  const times = Array.from({ length: runs }, () => {
    const from = performance.now();
    note = act();
    return performance.now() - from;
  });
  return {
    area: 'plans',
    what,
    value: median(times) / 1_000,
    unit: 's',
    goal,
    note: `median of ${runs}, greatest ${(Math.max(...times) / 1_000).toFixed(2)} s; ${note}`,
  };
}

/** A hundred nodes with 2,000 guests and 400 rules: one node dies, ten die, ten new ones are there to be filled. */
export function planFigures(): Figure[] {
  const dead = (full: World, count: number): string => {
    const gone = new Set(full.nodes.slice(0, count).map(({ id }) => id));
    const alive = new Set([...full.alive].filter((id) => !gone.has(id)));
    const { placements, without } = placeAll(
      full.guests.filter(({ spec }) => gone.has(spec.node)),
      { ...full, alive, nodes: full.nodes.filter(({ id }) => !gone.has(id)) },
    );
    return `${placements.length} guests placed, ${without.length} without room`;
  };
  const full = world(nodeCount);
  const grown = world(nodeCount - 10);
  return [
    timed('a dead node: places for its guests', () => dead(full, 1)),
    timed('ten dead nodes: places for their guests', () => dead(full, 10)),
    timed('a balance after ten nodes were added', () => `${planBalance(grown).moves.length} moves`),
  ];
}
