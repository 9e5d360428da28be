/** One run: a world, what is done to it, and whether it comes to rest as it should. @module */

import { ask, type Names, ScriptError } from './actions.ts';
import { missing } from './converged.ts';
import { healAll } from './heal.ts';
import { bootMs } from './machine-clock.ts';
import type { Plant } from './plants.ts';
import { parseScript, runScript } from './script.ts';
import type { TraceLine } from './trace.ts';
import type { Violation } from './violation.ts';
import { World, type WorldDescription } from './world.ts';

export interface Case {
  readonly world: WorldDescription;
  readonly script: string;
}

export interface RunOptions {
  readonly plant?: Plant | undefined;
  readonly daemonLines?: boolean;
  /** At the end asks something of the cluster that has come to rest, which must be done promptly. */
  readonly probe?: boolean | undefined;
  /** How long the cluster may take to come to rest once everything is healed. */
  readonly restMs?: number;
}

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly lines: readonly TraceLine[];
  readonly world: World;
  /** How long it took to come to rest. */
  readonly restedMs: number;
}

/** Longer than any back-off, deadline or grace of the product that the generator lets come into play. */
const defaultRestMs = 180_000;
const lookEveryMs = 500;
/** Well below the half minute after which tasks are looked for again, and above a restart with the slowest store. */
const promptMs = 20_000;
/** Longer than the cluster takes to switch a node on again by itself. */
const leftOffMs = 30_000;
/** It must stay so. */
const steadyMs = 3_000;

/** What nobody waited for and failed; the process of a real daemon would have ended. */
class Rejections {
  #world: World | undefined;

  constructor() {
    process.on('unhandledRejection', (reason: unknown) => {
      const text = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
      if (this.#world === undefined) throw new Error(`outside of a run: ${text}`);
      this.#world.violated('unhandled', text);
    });
  }

  of(world: World): void {
    this.#world = world;
  }
}

let rejections: Rejections | undefined;

/** From now on a promise that fails with nobody waiting for it breaks a rule of this world, and of none before. */
export function blameRejectionsOn(world: World): void {
  rejections ??= new Rejections();
  rejections.of(world);
}

/** @throws ScriptError */
export async function runCase({ world: description, script }: Case, options: RunOptions = {}): Promise<RunResult> {
  const world = new World(description, {
    ...(options.plant === undefined ? {} : { plant: options.plant }),
    daemonLines: options.daemonLines ?? false,
  });
  blameRejectionsOn(world);
  const lines = parseScript(script, namesOf(description));
  await world.start();
  await runScript(world, lines);
  const healedMs = world.nowMs;
  if (world.violations.length === 0) {
    world.trace.script('heal all');
    await healAll(world);
    await rest(world, options.restMs ?? defaultRestMs);
  }
  const restedMs = world.nowMs - healedMs;
  if (options.probe === true && world.violations.length === 0) await probe(world);
  return { violations: world.violations, lines: world.trace.lines, world, restedMs };
}

/** A change must reach who it concerns by being told, not by somebody looking at everything after half a minute. */
async function probe(world: World): Promise<void> {
  const [asked = ''] = world.nodes.keys();
  for (const { spec } of [...world.state.guests.values()].slice(0, 3)) {
    if (spec.run === 'disabled') continue;
    const operation = spec.run === 'running' ? 'vm.restart' : 'vm.start';
    const input = { vm: spec.name, ...(operation === 'vm.restart' ? { force: true } : {}) };
    world.trace.script(`ask ${asked} ${operation} vm=${spec.name}`);
    ask(world, asked, operation, input);
  }
  await world.run(world.nowMs + promptMs);
  // A fault of before may be written down, and cleared, only now.
  const left = missing(world).filter((one) => !one.startsWith('a fault is open'));
  if (world.violations.length === 0 && left.length > 0)
    world.violated('not-prompt', `${promptMs / 1000} s after a cluster at rest was asked: ${left.join('; ')}`);
}

/** A node that the cluster has switched off and leaves off is switched on by an administrator. */
async function pressButtons(world: World, offSinceMs: Map<string, number>): Promise<void> {
  for (const node of world.nodes.values()) {
    if (node.powered) offSinceMs.delete(node.name);
    else if (world.nowMs - (offSinceMs.get(node.name) ?? world.nowMs) < leftOffMs)
      offSinceMs.set(node.name, offSinceMs.get(node.name) ?? world.nowMs);
    else {
      world.trace.script(`power on ${node.name}`);
      await node.powerOn(bootMs);
    }
  }
}

async function rest(world: World, restMs: number): Promise<void> {
  const untilMs = world.nowMs + restMs;
  const offSinceMs = new Map<string, number>();
  let fineSinceMs: number | undefined;
  let left: string[] = ['nothing has been looked at'];
  while (world.nowMs < untilMs && world.violations.length === 0) {
    await world.run(world.nowMs + lookEveryMs);
    await pressButtons(world, offSinceMs);
    left = missing(world);
    if (left.length > 0) fineSinceMs = undefined;
    else {
      fineSinceMs ??= world.nowMs;
      if (world.nowMs - fineSinceMs >= steadyMs) return;
    }
  }
  if (world.violations.length === 0)
    world.violated('no-rest', `${restMs / 1000} s after everything was healed: ${left.join('; ')}`);
}

export function namesOf({ nodes, guests }: WorldDescription): Names {
  const one =
    (what: string, known: readonly { readonly name: string }[]) =>
    (name: string | undefined): string => {
      if (name !== undefined && known.some((each) => each.name === name)) return name;
      throw new ScriptError(
        `there is no ${what} ${name ?? ''}; there are: ${known.map((each) => each.name).join(', ')}`,
      );
    };
  return { node: one('node', nodes), guest: one('guest', guests), someNode: nodes[0]?.name ?? '' };
}
