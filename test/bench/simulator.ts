/**
 * How quick the simulator is, and how quick clusters in it are: daemons on a virtual clock, in processes of this machine.
 * @module
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chance } from '../sim/chance.ts';
import { generate } from '../sim/generate.ts';
import type { Job } from '../sim/job.ts';
import { blameRejectionsOn } from '../sim/run.ts';
import { runJobs } from '../sim/workers.ts';
import { World } from '../sim/world.ts';
import { type Figure, median, percentile } from './figure.ts';
import type { LargeWorldTimes } from './large-world.ts';
import { comeToRest, requireSound } from './sound-world.ts';

const area = 'simulator';
const minuteMs = 60_000;
/** Its hundred daemons need more memory than a processor keeps near: how long an hour takes moves with what else its machine does. */
const largeRuns = 3;
/** Seeds of which each is one case of `npm run sim`. */
const caseSeeds = 100;
/** Seeds of which each is a world where one node loses its power. */
const faultSeeds = 300;
/** Guests that were not asked for by then stay where they are: their policy or their files tie them to the machine. */
const recoveryMs = 180_000;

/** @throws Error when the large cluster did wrong */
async function largeFigures(): Promise<Figure[]> {
  const program = join(import.meta.dirname, 'large-world.ts');
  // Young objects of a hundred daemons: in the 16 MiB that node gives them they are copied again and again.
  const room = ['--min-semi-space-size=128', '--max-semi-space-size=128'];
  const runs: LargeWorldTimes[] = [];
  while (runs.length < largeRuns) {
    const { stdout } = await promisify(execFile)(process.execPath, [...room, program]);
    runs.push(JSON.parse(stdout) as LargeWorldTimes);
  }
  runs.sort((a, b) => a.hourS - b.hourS);
  const { startS, startedS, hourS, lost, recovered } = runs[(largeRuns - 1) / 2] as LargeWorldTimes;
  const all = runs.map((run) => run.hourS.toFixed(1)).join(', ');
  return [
    {
      area,
      what: 'a simulated hour of 100 nodes with 3,000 guests',
      value: hourS,
      unit: 's',
      goal: '≤ 10 s',
      note: `a node with ${lost} guests lost its power after ten minutes, ${recovered} guests were started elsewhere; switched on again 20 minutes later. Median of ${all} s`,
    },
    {
      area,
      what: 'their cluster is made, and starts all of them',
      value: startS,
      unit: 's',
      note: `${startedS.toFixed(0)} simulated seconds`,
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
