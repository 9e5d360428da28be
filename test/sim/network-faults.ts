/** Networks that fall apart in every way, for a part of the random cases. @module */
import { type Chance, chance } from './chance.ts';
import type { WorldDescription } from './world.ts';

export interface TimedLine {
  readonly ms: number;
  readonly text: string;
}

type Fault = (world: WorldDescription, random: Chance) => { readonly begin: string[]; readonly end: string[] };

const some = ({ nodes }: WorldDescription, random: Chance, count: number): string[] => {
  const names = nodes.map(({ name }) => name);
  const drawn: string[] = [];
  while (drawn.length < Math.min(count, nodes.length - 1)) {
    const name = random.pick(names);
    if (!drawn.includes(name)) drawn.push(name);
  }
  return drawn;
};
const one = (world: WorldDescription, random: Chance): string => some(world, random, 1)[0] ?? '';
/** Too few coordinators to be a quorum: the store is on the side of the others. */
const minority = ({ nodes }: WorldDescription, group: readonly string[]): string[] => {
  const coordinators = nodes.filter(({ role }) => role === 'coordinator').map(({ name }) => name);
  const most = Math.ceil(coordinators.length / 2) - 1;
  const surplus = group.filter((name) => coordinators.includes(name)).slice(most);
  return group.filter((name) => !surplus.includes(name));
};
const others = ({ nodes }: WorldDescription, name: string): string[] =>
  nodes.map((node) => node.name).filter((other) => other !== name);

const faults: readonly Fault[] = [
  // Some hear each other, and neither the others nor the store.
  (world, random) => {
    const group = minority(world, some(world, random, random.int(1, Math.ceil(world.nodes.length / 2))));
    if (group.length === 0) return { begin: [], end: [] };
    return { begin: [`partition ${group.join(',')}`], end: group.map((name) => `rejoin ${name}`) };
  },
  // What it sends is heard by nobody; it hears all.
  (world, random) => {
    const name = one(world, random);
    return {
      begin: [
        `cut ${name} store silently 4s requests`,
        ...others(world, name).map((other) => `mute ${name} to ${other}`),
      ],
      end: [`rejoin ${name}`],
    };
  },
  // It hears nothing; what it sends is heard.
  (world, random) => {
    const name = one(world, random);
    return {
      begin: [
        `cut ${name} store silently 4s answers`,
        ...others(world, name).map((other) => `mute ${other} to ${name}`),
      ],
      end: [`rejoin ${name}`],
    };
  },
  // It reaches the store and nobody else.
  (world, random) => {
    const name = one(world, random);
    return { begin: others(world, name).map((other) => `cut ${name} ${other}`), end: [`rejoin ${name}`] };
  },
  // It reaches all but the store.
  (world, random) => {
    const name = one(world, random);
    return { begin: [`cut ${name} store silently 3s`], end: [`heal ${name} store`] };
  },
  // Two at once, each for itself.
  (world, random) => {
    const both = some(world, random, 2);
    return { begin: both.map((name) => `isolate ${name}`), end: both.map((name) => `rejoin ${name}`) };
  },
  // It is cut off, and its daemon stands still.
  (world, random) => {
    const name = one(world, random);
    return { begin: [`isolate ${name}`, `stop ${name}`], end: [`continue ${name}`, `rejoin ${name}`] };
  },
  // The storage does not answer, one of them or all, when somebody is cut off.
  (world, random) => {
    const name = one(world, random);
    const stalled = random.happens(0.5) ? '' : ` ${one(world, random)}`;
    return {
      begin: [`storage stalls${stalled}`, `isolate ${name}`],
      end: [`storage answers${stalled}`, `rejoin ${name}`],
    };
  },
];

/** One or two of them, for four cases of ten. @param untilMs when they are to have ended */
export function networkFaults(seed: number, world: WorldDescription, untilMs: number): TimedLine[] {
  const random = chance(`network/${seed}`);
  if (!random.happens(0.4)) return [];
  const lines: TimedLine[] = [];
  for (let left = random.int(1, 2); left > 0; left -= 1) {
    const { begin, end } = random.pick(faults)(world, random);
    const beginMs = random.ms(3_000, untilMs * 0.6);
    const endMs = beginMs + random.ms(2_000, 40_000);
    const at = (ms: number, action: string): TimedLine => ({ ms, text: `at ${(ms / 1000).toFixed(3)}s: ${action}` });
    lines.push(...begin.map((action) => at(beginMs, action)), ...end.map((action) => at(endMs, action)));
  }
  return lines;
}
