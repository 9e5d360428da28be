/**
 * How quick the simulator is, and how quick clusters in it are: daemons on a virtual clock, in processes of this machine.
 * @module
 */
import { availableParallelism } from 'node:os';
import { chance } from '../sim/chance.ts';
import { missing } from '../sim/converged.ts';
import { generate } from '../sim/generate.ts';
import type { GuestDescription } from '../sim/guest-document.ts';
import type { Job } from '../sim/job.ts';
import type { NodeDescription } from '../sim/node.ts';
import { blameRejectionsOn } from '../sim/run.ts';
import { runJobs } from '../sim/workers.ts';
import { World, type WorldDescription } from '../sim/world.ts';
import { type Figure, median, percentile } from './figure.ts';

const area = 'simulator';
const hourMs = 3_600_000;
const minuteMs = 60_000;
/** An administrator comes: a node that was found off is not switched on by the cluster (docs/decisions/028). */
const untilHelpMs = 20 * minuteMs;
const bootMs = 60_000;
/** Seeds of which each is one case of `npm run sim`. */
const caseSeeds = 100;
/** Seeds of which each is a world where one node loses its power. */
const faultSeeds = 300;
/** Guests that were not asked for by then stay where they are: their policy or their files tie them to the machine. */
const recoveryMs = 180_000;

/** A hundred nodes of 64 GiB, each with its BMC, and 3,000 guests of 1 GiB on volumes. */
function largeWorld(): WorldDescription {
  const nodes = Array.from(
    { length: 100 },
    (_, at): NodeDescription => ({
      name: `hv${at + 1}`,
      role: at < 3 ? 'coordinator' : 'hypervisor',
      address: `10.0.1.${at + 1}`,
      memoryMiB: 65_536,
      cpus: 16,
      wallOffMs: 0,
      bmc: true,
    }),
  );
  const guests = Array.from(
    { length: 3_000 },
    (_, at): GuestDescription => ({
      name: `vm${at + 1}`,
      node: `hv${(at % nodes.length) + 1}`,
      run: 'running',
      memoryMiB: 1_024,
      shutdownMs: 2_000,
      bootMs: 400,
      volume: true,
      spec: {},
    }),
  );
  const store = { latencyMs: { minMs: 0.5, maxMs: 3 } };
  return { seed: 'large', nodes, guests, rules: [], floating: '10.0.1.250', store };
}

/** @throws Error when a rule was broken: a figure of a cluster that does wrong says nothing */
function requireSound({ violations }: World): void {
  const [first] = violations;
  if (first !== undefined) throw new Error(`the simulated cluster broke a rule: ${first.rule}: ${first.text}`);
}

/** Lets time pass until all is as it should be. @throws Error when it is not so by then */
async function comeToRest(world: World, mostMs: number): Promise<void> {
  const untilMs = world.nowMs + mostMs;
  let left = missing(world);
  while (left.length > 0 && world.nowMs < untilMs && world.violations.length === 0) {
    await world.run(world.nowMs + 1_000);
    left = missing(world);
  }
  requireSound(world);
  if (left.length > 0) throw new Error(`the simulated cluster did not come to rest: ${left.slice(0, 5).join('; ')}`);
}

async function largeFigures(): Promise<Figure[]> {
  const world = new World(largeWorld());
  blameRejectionsOn(world);
  const startFrom = performance.now();
  await world.start();
  await comeToRest(world, 10 * minuteMs);
  const startS = (performance.now() - startFrom) / 1_000;
  const startedMs = world.nowMs;

  const hourFrom = performance.now();
  await world.run(startedMs + 10 * minuteMs);
  const victim = world.node('hv50');
  const lost = victim.hypervisor.domains.size;
  await victim.powerOff();
  const faultMs = world.nowMs;
  await world.run(faultMs + untilHelpMs);
  await victim.powerOn(bootMs);
  await world.run(startedMs + hourMs);
  const hourS = (performance.now() - hourFrom) / 1_000;
  requireSound(world);
  const left = missing(world);
  if (left.length > 0) throw new Error(`after the hour: ${left.slice(0, 5).join('; ')}`);
  const recovered = [...world.guests.all()].filter(({ asked }) => asked.some(({ atMs }) => atMs > faultMs)).length;
  return [
    {
      area,
      what: 'a simulated hour of 100 nodes with 3,000 guests',
      value: hourS,
      unit: 's',
      goal: '≤ 10 s',
      note: `a node with ${lost} guests lost its power after ten minutes, ${recovered} guests were started elsewhere; switched on again 20 minutes later`,
    },
    {
      area,
      what: 'their cluster is made, and starts all of them',
      value: startS,
      unit: 's',
      note: `${(startedMs / 1_000).toFixed(0)} simulated seconds`,
    },
  ];
}

async function caseFigure(): Promise<Figure> {
  const workers = availableParallelism();
  const jobs = Array.from({ length: caseSeeds }, (_, at): Job => ({ seed: at + 1, log: false }));
  const from = performance.now();
  let broken = 0;
  for await (const { violations } of runJobs(jobs, { workers })) if (violations.length > 0) broken += 1;
  const seconds = (performance.now() - from) / 1_000;
  return {
    area,
    what: 'random cases',
    value: caseSeeds / seconds,
    unit: 'seeds/s',
    note: `seeds 1 to ${caseSeeds} in ${workers} processes, ${broken} with violations`,
  };
}

/**
 * From the moment that a node loses its power to those at which other nodes ask libvirt to start its guests. The world is
 * that of the seed; which of the nodes that have guests, and when, is drawn.
 */
async function recoveryTimes(seed: number): Promise<{ readonly tookMs: number[]; readonly tied: number }> {
  const random = chance(`fault/${seed}`);
  const { world: description } = generate(seed);
  const world = new World(description);
  blameRejectionsOn(world);
  await world.start();
  await comeToRest(world, minuteMs);
  await world.run(world.nowMs + random.ms(0, 10_000));
  const laden = [...world.nodes.values()].filter(({ hypervisor }) => hypervisor.domains.size > 0);
  if (laden.length === 0) return { tookMs: [], tied: 0 };
  const victim = random.pick(laden);
  const guests = [...victim.hypervisor.domains.keys()].map((uuid) => world.guests.of(uuid));
  await victim.powerOff();
  const faultMs = world.nowMs;
  const startOf = ({ asked }: (typeof guests)[number]): number | undefined =>
    asked.find(({ atMs }) => atMs > faultMs)?.atMs;
  await world.run(faultMs + recoveryMs, () => guests.every((guest) => startOf(guest) !== undefined));
  requireSound(world);
  const tookMs = guests.map(startOf).flatMap((atMs) => (atMs === undefined ? [] : [atMs - faultMs]));
  return { tookMs, tied: guests.length - tookMs.length };
}

async function recoveryFigures(): Promise<Figure[]> {
  const tookS: number[] = [];
  let tied = 0;
  for (let seed = 1; seed <= faultSeeds; seed += 1) {
    const one = await recoveryTimes(seed);
    tookS.push(...one.tookMs.map((ms) => ms / 1_000));
    tied += one.tied;
  }
  const what = 'a node loses its power: to the start command of its guests';
  const note = `${tookS.length} guests of ${faultSeeds} random worlds; ${tied} more were not started within ${recoveryMs / 1_000} s`;
  return [
    { area, what: `${what}, median`, value: median(tookS), unit: 's', note },
    { area, what: `${what}, 99 %`, value: percentile(tookS, 0.99), unit: 's' },
    { area, what: `${what}, worst`, value: Math.max(...tookS), unit: 's' },
  ];
}

/** Takes some minutes. @throws Error when a rule is broken in one of the worlds in which nothing else goes wrong */
export async function simulatorFigures(step: (text: string) => void): Promise<Figure[]> {
  const cases = await caseFigure();
  step(`${faultSeeds} worlds in which a node dies`);
  const recovery = await recoveryFigures();
  step('an hour of a large cluster');
  return [cases, ...recovery, ...(await largeFigures())];
}
