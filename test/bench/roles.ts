/**
 * What the daemon of each role holds and uses: three coordinators, one of them primary, and a hypervisor with fifty
 * guests, in a cluster with thousands of guests in ZooKeeper; and how long the API takes to list them.
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startDaemon, stopDaemon } from '../lab/daemon.ts';
import { pathOn } from '../lab/exec.ts';
import { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText, percentile } from './figure.ts';

const area = 'cluster of three coordinators and a hypervisor';
const hypervisor = 'hv4';
const fewGuests = 50;
const manyGuests = 5_000;
const idleMs = 20_000;
const listRuns = 20;

export async function roleFigures(signal: AbortSignal): Promise<Figure[]> {
  return ClusterLab.use(`bench-roles-${process.pid}`, 4, signal, async (lab) => {
    await fiftyGuests(lab);
    const few = await uses(lab, `${fewGuests} guests`);
    await lab.exec('hv1', [process.execPath, join(import.meta.dirname, 'many-guests.ts'), String(manyGuests)]);
    const lists = await listFigures(lab);
    return [...few, ...lists, ...(await uses(lab, `${manyGuests} guests of other nodes besides`))];
  });
}

/** Guests of libvirt's test driver, which only seem to run: what is measured is the daemon, not QEMU. */
async function fiftyGuests(lab: ClusterLab): Promise<void> {
  await stopDaemon(lab.record, hypervisor);
  const file = await pathOn(lab.record, hypervisor, '/etc/pvc/pvc.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('  libvirt:\n', '  libvirt:\n    uri: test:///default\n'));
  await startDaemon(lab.record, hypervisor);
  const client = await lab.client('hv1');
  const runs = async () => (await client.call('node.info', { node: hypervisor })).daemon === 'run';
  await lab.until(`the daemon of ${hypervisor} to run`, runs);
  for (let n = 0; n < fewGuests; n += 1) {
    const nic = [{ bridge: 'br0' }];
    await client.call('vm.create', { name: `few${n}`, node: hypervisor, memory: 64, nic, start: true });
  }
  const allRun = async () => (await client.call('vm.list', { state: 'running' })).length === fewGuests;
  await lab.until('fifty running guests', allRun, 120_000);
}

async function uses(lab: ClusterLab, load: string): Promise<Figure[]> {
  const client = await lab.client('hv1');
  const primary = (await client.call('cluster.status', {})).primary ?? '';
  const secondary = ['hv1', 'hv2', 'hv3'].find((name) => name !== primary) ?? '';
  const roles = { primary, 'secondary coordinator': secondary, hypervisor };
  // What was done before is no idling.
  await delay(10_000);
  const figures: Figure[] = [];
  const before = await Promise.all(Object.values(roles).map((node) => lab.daemonUse(node)));
  const fromMs = performance.now();
  await delay(idleMs);
  const after = await Promise.all(Object.values(roles).map((node) => lab.daemonUse(node)));
  const tookMs = performance.now() - fromMs;
  for (const [index, role] of Object.keys(roles).entries()) {
    const [first, last] = [before[index], after[index]];
    if (first === undefined || last === undefined) continue;
    const own = role === 'hypervisor';
    figures.push(
      {
        area,
        what: `memory of the ${role}, ${load}`,
        value: last.rssMiB,
        unit: 'MiB',
        note: `${numberText(last.anonymousMiB)} MiB without files`,
        ...(own ? { goal: '≤ 120 MiB' } : {}),
      },
      {
        area,
        what: `processor of the ${role}, ${load}`,
        value: ((last.cpuMs - first.cpuMs) / tookMs) * 100,
        unit: '% of a core',
        note: `idle, over ${idleMs / 1000} s`,
        ...(own ? { goal: '≤ 2 %' } : {}),
      },
    );
  }
  return figures;
}

async function listFigures(lab: ClusterLab): Promise<Figure[]> {
  const client = await lab.client('hv2');
  const list = async (): Promise<number> => {
    const fromMs = performance.now();
    const { length } = await client.call('vm.list', {});
    if (length < manyGuests) throw new Error(`the list has ${length} guests, not ${manyGuests}`);
    return performance.now() - fromMs;
  };
  const firstMs = await list();
  const tookMs: number[] = [];
  for (let run = 0; run < listRuns; run += 1) tookMs.push(await list());
  return [
    { area, what: `first list of ${manyGuests} guests by the API`, value: firstMs, unit: 'ms' },
    {
      area,
      what: 'the same again',
      value: median(tookMs),
      unit: 'ms',
      note: `median of ${listRuns}; p99 ${numberText(percentile(tookMs, 0.99))} ms`,
    },
  ];
}
