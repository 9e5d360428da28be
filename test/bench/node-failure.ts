/**
 * How long a guest is away when its node loses power: any node, the primary, a node and its BMC at once; with every stage
 * on the way, and beside it what the same guest takes to boot when somebody starts it. Each run also sees to it that the guest
 * has its old address, and that its disk was written by one after the other, with nothing lost.
 * @module
 */
import { setCable } from '../lab/links.ts';
import { poweredProcess } from '../lab/node-namespace.ts';
import { switchPower } from '../lab/power.ts';
import { stampsOn } from '../lab/stamped-volume.ts';
import type { StampLife } from '../lab/stamps.ts';
import { nodeOf } from '../lab/topology.ts';
import { ClusterLab } from './cluster-lab.ts';
import {
  addressOn,
  allWell,
  consoleOn,
  guestOf,
  lastBoot,
  lastFence,
  nodes,
  prepare,
  primaryOf,
  stamped,
} from './failure-lab.ts';
import { type Figure, median } from './figure.ts';

const runs = 5;
const longestMs = 300_000;

/** The moments of one run, in seconds after the power cut. */
interface Run {
  readonly opened: number;
  readonly proven: number;
  readonly placed: number;
  readonly kernel: number;
  readonly system: number;
  readonly address: number;
}

const stages: readonly (readonly [keyof Run, string, string?])[] = [
  ['opened', 'its fence is open'],
  ['proven', 'it is proven that it can do no harm'],
  ['placed', 'its guest is placed'],
  ['kernel', 'its guest’s kernel runs', '≤ 10 s'],
  ['system', 'its guest’s first program runs'],
  ['address', 'its guest has its address again'],
];

interface Disaster {
  readonly who: string;
  /** Whether the victim is the primary. */
  readonly primary: boolean;
  readonly bmc: boolean;
}

const disasters: readonly Disaster[] = [
  { who: 'a node', primary: false, bmc: false },
  { who: 'the primary', primary: true, bmc: false },
  { who: 'a node with its BMC', primary: false, bmc: true },
];

/** Figures of a lab that is taken away again. @throws Error when a run ends otherwise than it must */
export async function failureFigures(signal: AbortSignal, step: (text: string) => void): Promise<Figure[]> {
  return ClusterLab.use(`bench-failure-${process.pid}`, nodes.length, signal, async (lab) => {
    step('a cluster with storage, a network and a guest');
    await prepare(lab);
    step('the guest is started as usual');
    const figures = await bootFigures(lab);
    step(figures.map(({ note }) => note ?? '').join('; '));
    for (const disaster of disasters) {
      const found: Run[] = [];
      for (let run = 1; run <= runs; run += 1) {
        step(`${disaster.who} loses power, ${run} of ${runs}`);
        const one = await oneRun(lab, disaster);
        step(stages.map(([stage]) => `${stage} ${one[stage].toFixed(1)} s`).join(', '));
        found.push(one);
      }
      for (const [stage, what, goal] of stages)
        figures.push(
          figureOf(
            `${disaster.who} loses power, until ${what}`,
            found.map((one) => one[stage]),
            goal,
          ),
        );
    }
    return figures;
  });
}

function figureOf(what: string, samples: readonly number[], goal?: string): Figure {
  const note = `median of ${samples.map((one) => one.toFixed(1)).join(', ')}`;
  const area = 'failure of a node (three nodes, one guest)';
  return { area, what, value: median(samples), unit: 's', note, ...(goal === undefined ? {} : { goal }) };
}

/** An ordinary start: what of the time is QEMU's, the firmware's and the guest's own. */
async function bootFigures(lab: ClusterLab): Promise<Figure[]> {
  const found: { kernel: number; system: number }[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { uuid, node } = await guestOf(lab, 'hv1');
    await addressOn(lab, node, uuid);
    await lab.pvc('hv1', 'vm', 'stop', 'web', '--yes');
    const before = new Map([[node, (await consoleOn(lab, node, uuid)).length]]);
    const client = await lab.client(node);
    const fromMs = performance.now();
    await client.call('vm.start', { vm: 'web' });
    const told = async (text: string): Promise<number> => {
      await consoleSays(lab, uuid, before, text);
      return (performance.now() - fromMs) / 1000;
    };
    const [kernel, system] = await Promise.all([told('Linux version'), told('pvc-guest boot')]);
    found.push({ kernel, system });
  }
  const what = 'an ordinary vm start, until';
  return [
    figureOf(
      `${what} the guest’s kernel runs`,
      found.map(({ kernel }) => kernel),
    ),
    figureOf(
      `${what} its first program runs`,
      found.map(({ system }) => system),
    ),
  ];
}

/** Waits until one of the nodes has this on the guest's console, behind what was there before. */
function consoleSays(lab: ClusterLab, uuid: string, before: ReadonlyMap<string, number>, text: string): Promise<void> {
  return lab.until(
    text,
    async () => {
      for (const [node, from] of before) if ((await consoleOn(lab, node, uuid)).slice(from).includes(text)) return true;
      return false;
    },
    longestMs,
  );
}

async function oneRun(lab: ClusterLab, { primary, bmc }: Disaster): Promise<Run> {
  const topology = lab.record.topology;
  const { node: victim, uuid } = await guestOf(lab, 'hv1');
  const survivors = nodes.filter((name) => name !== victim);
  const [asked = ''] = survivors;
  const holder = primary ? victim : asked;
  if ((await primaryOf(lab, asked)) !== holder) await lab.pvc(asked, 'node', 'primary', holder);
  await allWell(lab, asked);
  const addressBefore = await addressOn(lab, victim, uuid);
  const written = (await stampsOn(lab.record, asked, stamped)).lives.at(-1);
  if (written === undefined) throw new Error('the guest has stamped nothing');
  const before = new Map(
    await Promise.all(survivors.map(async (node) => [node, (await consoleOn(lab, node, uuid)).length] as const)),
  );
  /** The moment at which a survivor's console has this, since the power cut. */
  const told = async (text: string): Promise<number> => {
    await consoleSays(lab, uuid, before, text);
    return (Date.now() - cutMs) / 1000;
  };

  if (bmc) await setCable(topology.name, nodeOf(topology, victim), 'bmc', 'down');
  const cutMs = Date.now();
  await switchPower(lab.record, victim, 'off');
  const [kernel, system, address] = await Promise.all([
    told('Linux version'),
    told('pvc-guest boot'),
    told('pvc-guest address eth0'),
  ]);

  const guest = await guestOf(lab, asked);
  const fence = await lastFence(lab, asked, victim);
  const [proof, placed] = [fence?.evidence[0], fence?.recovered[0]];
  if (fence === undefined || proof === undefined || placed?.to !== guest.node)
    throw new Error(`${victim} was not fenced as it must be: ${JSON.stringify({ fence, guest })}`);
  const [, addressAfter] =
    /pvc-guest address eth0 ([\d.]+)/.exec(lastBoot(await consoleOn(lab, guest.node, uuid))) ?? [];
  if (addressAfter !== addressBefore) throw new Error(`the guest had ${addressBefore} and has ${addressAfter}`);
  await needOneWriter(lab, asked, written);

  if (bmc) await setCable(topology.name, nodeOf(topology, victim), 'bmc', 'up');
  // It may have been switched on again by the fence.
  if ((await poweredProcess(topology.name, nodeOf(topology, victim))) === undefined)
    await switchPower(lab.record, victim, 'on');
  await allWell(lab, asked);
  lab.forget(victim);
  const since = (atMs: number): number => (atMs - cutMs) / 1000;
  return {
    opened: since(fence.openedMs),
    proven: since(proof.atMs),
    placed: since(placed.atMs),
    kernel,
    system,
    address,
  };
}

/** @throws Error when the guest does not write on after what it had written before, or anything speaks of two writers */
async function needOneWriter(lab: ClusterLab, asked: string, before: StampLife): Promise<void> {
  await lab.until('stamps of the new boot', async () => {
    const [old, now] = (await stampsOn(lab.record, asked, stamped)).lives.slice(-2);
    return old?.boot === before.boot && now !== undefined;
  });
  const { lives, faults } = await stampsOn(lab.record, asked, stamped);
  const old = lives.find(({ boot }) => boot === before.boot);
  if (faults.length > 0 || old === undefined || old.first !== before.first || old.last < before.last)
    throw new Error(`the disk is not what it must be: ${JSON.stringify({ faults, lives, before })}`);
}
