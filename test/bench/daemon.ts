/**
 * The daemon of one node in a lab: how soon it answers, what it holds and uses without guests, with 50 and
 * with thousands in the cluster, and how long lists take.
 * @module
 */
import { join } from 'node:path';
import { timeCommands } from './command.ts';
import { type Figure, median, numberText, percentile } from './figure.ts';
import { type BenchNode, needTrue } from './node.ts';
import { binary } from './startup.ts';

const idleMs = 15_000;
const listRuns = 20;
const manyGuests = 5_000;
const fewGuests = 50;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const processorNote = (times: { leastMs: number; cpuMs: number }, runs: number): string =>
  `median of ${runs}; least ${numberText(times.leastMs)} ms, processor ${numberText(times.cpuMs)} ms`;

/** Memory and processor of a daemon that has nothing to do. */
async function idle(node: BenchNode, area: string, goals: { rss?: string; cpu?: string }): Promise<Figure[]> {
  // What starting left to do is no idling.
  await pause(3_000);
  const before = node.use();
  const startMs = performance.now();
  await pause(idleMs);
  const after = node.use();
  const share = ((after.cpuMs - before.cpuMs) / (performance.now() - startMs)) * 100;
  return [
    {
      area,
      what: 'memory, resident',
      value: after.rssMiB,
      unit: 'MiB',
      note: `${numberText(after.anonymousMiB)} MiB without files`,
      ...(goals.rss === undefined ? {} : { goal: goals.rss }),
    },
    {
      area,
      what: 'processor, idle',
      value: share,
      unit: '% of a core',
      note: `over ${idleMs / 1000} s`,
      ...(goals.cpu === undefined ? {} : { goal: goals.cpu }),
    },
  ];
}

/** `pvc vm list` from the machine over the node's socket, so that nothing but the program is measured. */
async function listByCommand(
  node: BenchNode,
  area: string,
  guests: number,
  runs: number,
  goal?: string,
): Promise<Figure[]> {
  const socket = await node.socket();
  const environment = { PATH: '/usr/bin:/bin' };
  const times = await timeCommands(
    {
      list: { argv: [binary, '--socket', socket, 'vm', 'list'], environment },
      json: { argv: [binary, '--socket', socket, 'vm', 'list', '--format', 'json'], environment },
    },
    runs,
  );
  return [
    {
      area,
      what: `pvc vm list, ${guests} guests`,
      value: times.list.medianMs,
      unit: 'ms',
      note: processorNote(times.list, runs),
      ...(goal === undefined ? {} : { goal }),
    },
    {
      area,
      what: `the same with --format json`,
      value: times.json.medianMs,
      unit: 'ms',
      note: processorNote(times.json, runs),
    },
  ];
}

async function listByApi(node: BenchNode, area: string, guests: number, runs: number): Promise<Figure> {
  const tookMs: number[] = [];
  let bytes = 0;
  for (let run = -3; run < runs; run += 1) {
    const answer = await node.get('/api/v1/vms');
    if (answer.status !== 200) throw new Error(`the list was refused: ${answer.body}`);
    const count = (JSON.parse(answer.body) as unknown[]).length;
    if (count < guests) throw new Error(`the list has ${count} guests, not ${guests}`);
    if (run >= 0) tookMs.push(answer.tookMs);
    bytes = answer.body.length;
  }
  return {
    area,
    what: `list of ${guests} guests by the API`,
    value: median(tookMs),
    unit: 'ms',
    note: `median of ${runs}; p99 ${numberText(percentile(tookMs, 0.99))} ms; ${numberText(bytes / 1e6)} MB`,
  };
}

/** From nothing to the first answer, and again with libvirtd running; then a daemon without guests. */
export async function startFigures(node: BenchNode): Promise<Figure[]> {
  const area = 'daemon, no guests';
  const firstMs = await node.startDaemon();
  const againMs: number[] = [];
  for (let run = 0; run < 5; run += 1) {
    await node.stopDaemon();
    againMs.push(await node.startDaemon());
  }
  return [
    {
      area,
      what: 'first start to first answer',
      value: firstMs,
      unit: 'ms',
      note: 'starts libvirtd, tries whether KVM works',
    },
    {
      area,
      what: 'restart to first answer',
      value: median(againMs),
      unit: 'ms',
      note: `median of ${againMs.length}; least ${numberText(Math.min(...againMs))} ms`,
    },
    ...(await idle(node, area, {})),
    ...(await listByCommand(node, area, 0, listRuns, '≤ 150 ms')),
  ];
}

/** Fifty guests of libvirt's test driver, which only seem to run: what is measured is the daemon, not QEMU. */
export async function fiftyGuestFigures(node: BenchNode): Promise<Figure[]> {
  const area = `daemon, ${fewGuests} guests (libvirt's test driver)`;
  await node.stopDaemon();
  await node.changeConfig((text) => text.replace('  libvirt:\n', '  libvirt:\n    uri: test:///default\n'));
  await node.startDaemon();
  const startMs = performance.now();
  for (let n = 0; n < fewGuests; n += 1) {
    const answer = await node.post('/api/v1/vms/create', {
      name: `few${n}`,
      memory: 64,
      disk: [{ file: `/srv/few${n}.img` }],
      nic: [{ bridge: 'br0' }],
      start: true,
    });
    if (answer.status >= 300) throw new Error(`guest ${n} was refused: ${answer.body}`);
  }
  const madeMs = performance.now() - startMs;
  await needTrue('fifty running guests', node, async () => {
    const rows = JSON.parse((await node.get('/api/v1/vms?state=running')).body) as unknown[];
    return rows.length === fewGuests;
  });
  const runningMs = performance.now() - startMs;
  return [
    {
      area,
      what: 'creating them with start, each',
      value: madeMs / fewGuests,
      unit: 'ms',
      note: `all seen running after ${numberText(runningMs)} ms`,
    },
    ...(await idle(node, area, { rss: '≤ 120 MiB', cpu: '≤ 2 %' })),
    ...(await listByCommand(node, area, fewGuests, listRuns, '≤ 150 ms')),
  ];
}

/** Thousands of guests of other nodes beside the fifty. */
export async function manyGuestFigures(node: BenchNode): Promise<Figure[]> {
  const area = `daemon, ${manyGuests} guests of other nodes besides`;
  await node.stopDaemon();
  await node.exec([process.execPath, join(import.meta.dirname, 'many-guests.ts'), String(manyGuests)]);
  const startedMs = await node.startDaemon();
  return [
    { area, what: 'restart to first answer', value: startedMs, unit: 'ms' },
    await listByApi(node, area, manyGuests, 50),
    ...(await listByCommand(node, area, manyGuests, 5)),
    ...(await idle(node, area, {})),
  ];
}
