/**
 * `large-world.ts`: a simulated hour of a hundred nodes, in a process of its own, that no other figure leaves its garbage to. Prints
 * its times as JSON (`LargeWorldTimes`).
 * @module
 */
import { missing } from '../sim/converged.ts';
import type { GuestDescription } from '../sim/guest-document.ts';
import type { NodeDescription } from '../sim/node.ts';
import { blameRejectionsOn } from '../sim/run.ts';
import { World, type WorldDescription } from '../sim/world.ts';
import { comeToRest, requireSound } from './sound-world.ts';

/** Of one run. */
export interface LargeWorldTimes {
  /** Seconds until the cluster was made and ran all of its guests, and how many simulated ones that were. */
  readonly startS: number;
  readonly startedS: number;
  /** Seconds for the hour after that. */
  readonly hourS: number;
  /** Guests on the node that lost its power, and how many of them were started elsewhere. */
  readonly lost: number;
  readonly recovered: number;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** An administrator comes: a node that was found off is not switched on by the cluster (docs/decisions/028). */
const untilHelpMs = 20 * minuteMs;
const bootMs = 60_000;

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

async function measure(): Promise<LargeWorldTimes> {
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
  return { startS, startedS: startedMs / 1_000, hourS, lost, recovered };
}

console.log(JSON.stringify(await measure()));
// Its daemons would run on.
process.exit(0);
