/**
 * `npm run bench`: the figures of this program on this machine, with the conditions they were measured under; see `usage`.
 * What needs a node gets a lab of its own, which is taken away in every case.
 * @module
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { removeAbandonedLabs } from '../lab/abandoned.ts';
import { takeDown } from '../lab/down.ts';
import { Interrupted, watchInterrupt } from '../lab/interrupt.ts';
import { ensureExecutable } from '../lab/product.ts';
import { bringUp } from '../lab/up.ts';
import { misuse, readWords } from '../tool.ts';
import { clusterFigures } from './cluster.ts';
import { conditionLines, conditionsAt } from './conditions.ts';
import { fiftyGuestFigures, manyGuestFigures, startFigures } from './daemon.ts';
import { type Figure, figureTable } from './figure.ts';
import { guestStartFigures } from './guest-start.ts';
import { networkFigures } from './network-figures.ts';
import { BenchNode } from './node.ts';
import { failureFigures } from './node-failure.ts';
import { planFigures } from './plans.ts';
import { roleFigures } from './roles.ts';
import { simulatorFigures } from './simulator.ts';
import { startupFigures } from './startup.ts';
import { storageFigures } from './storage.ts';
import { storeFigures } from './store.ts';
import { zooKeeperFigures } from './zookeeper.ts';

const command = 'npm run bench';
const areas = [
  'program',
  'start',
  'guests',
  'many',
  'store',
  'zookeeper',
  'cluster',
  'roles',
  'storage',
  'networks',
  'failure',
  'plans',
  'simulator',
] as const;
const usage = `Measures, and prints the figures beside their goals, with the conditions they were taken in. Nothing is asserted.

  npm run bench -- [--only AREA,…] [--networks NUMBER,…] [--json FILE] [--store DIRECTORY]

  --only      areas: ${areas.join(', ')} (all)
  --networks  how many networks there are, one number after the other, from 8 to 250 (200)
  --json      writes the figures into a file as well
  --store     where the stores that are measured lie (${tmpdir()})
`;
const { values: options } = readWords(command, usage, {
  options: {
    only: { type: 'string', default: areas.join(',') },
    networks: { type: 'string', default: '200' },
    json: { type: 'string' },
    store: { type: 'string', default: tmpdir() },
  },
});
const wanted = options.only.split(',');
const unknown = wanted.find((area) => !areas.some((known) => known === area));
if (unknown !== undefined) misuse(command, `--only takes areas of ${areas.join(', ')}, not ${unknown}`);
const stages = options.networks.split(',').map(Number);
if (
  stages.length > 6 ||
  stages.some((many, at) => !Number.isInteger(many) || many <= (stages[at - 1] ?? 7) || many > 250)
)
  misuse(command, `--networks takes up to six rising numbers from 8 to 250, not ${options.networks}`);
const wants = (area: (typeof areas)[number]): boolean => wanted.includes(area);
const begin = performance.now();
const step = (text: string): void =>
  void process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);

async function onNode(signal: AbortSignal): Promise<Figure[]> {
  await removeAbandonedLabs();
  const lab = `bench-${process.pid}`;
  const record = await bringUp({ name: lab, owned: true, bare: true, signal });
  const node = new BenchNode(record);
  const figures: Figure[] = [];
  // Taking the lab away ends what is being measured, and with it the measuring.
  signal.addEventListener('abort', () => void takeDown(lab), { once: true });
  try {
    await node.pvc('cluster', 'init', '--name', 'bench');
    step('the daemon starts and idles');
    figures.push(...(await startFigures(node)));
    step('a guest is started');
    figures.push(...(await guestStartFigures(node)));
    if (wants('guests') || wants('many')) {
      step('fifty guests');
      figures.push(...(await fiftyGuestFigures(node)));
    }
    if (wants('many')) {
      step('five thousand guests');
      figures.push(...(await manyGuestFigures(node)));
    }
    await node.stopDaemon();
    return figures;
  } finally {
    await takeDown(lab);
  }
}

async function main(): Promise<void> {
  for (const area of wanted)
    if (!(areas as readonly string[]).includes(area)) throw new Error(`there is no area ${area}: ${areas.join(', ')}`);
  using interrupt = watchInterrupt();
  const { signal } = interrupt;
  await ensureExecutable({ signal, onBuild: () => step('building dist/pvc') });
  const conditions = await conditionsAt(options.store);
  const figures: Figure[] = [];
  if (wants('program')) {
    step('the program');
    figures.push(...(await startupFigures(20)));
  }
  if (wants('start') || wants('guests') || wants('many')) figures.push(...(await onNode(signal)));
  if (wants('store')) {
    step('the stores');
    figures.push(...(await storeFigures(options.store, 1_000)));
  }
  if (wants('zookeeper')) {
    step('ZooKeeper, one session and a hundred nodes');
    figures.push(...(await zooKeeperFigures(1_000)));
  }
  if (wants('cluster')) {
    step('a cluster of three nodes');
    figures.push(...(await clusterFigures(signal)));
  }
  if (wants('roles')) {
    step('the roles of a cluster');
    figures.push(...(await roleFigures(signal)));
  }
  if (wants('storage')) {
    step('storage');
    figures.push(...(await storageFigures(signal)));
  }
  if (wants('networks')) {
    step('a cluster for networks');
    figures.push(...(await networkFigures(signal, stages, step)));
  }
  if (wants('failure')) {
    step('power cuts of nodes');
    figures.push(...(await failureFigures(signal, step)));
  }
  if (wants('plans')) {
    step('plans for a hundred nodes');
    figures.push(...planFigures());
  }
  if (wants('simulator')) {
    step('random cases of the simulator');
    figures.push(...(await simulatorFigures(step)));
  }
  const after = await conditionsAt(options.store);
  step('done');
  process.stdout.write(
    `${conditionLines(conditions)}; load ${after.load1.toFixed(1)} at the end\n\n${figureTable(figures)}\n`,
  );
  if (options.json !== undefined)
    writeFileSync(options.json, `${JSON.stringify({ conditions, loadAtEnd: after.load1, figures }, null, 2)}\n`);
}

try {
  await main();
} catch (error) {
  if (!(error instanceof Interrupted)) throw error;
}
