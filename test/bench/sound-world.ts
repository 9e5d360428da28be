/** Simulated clusters whose figures may be believed. @module */
import { missing } from '../sim/converged.ts';
import type { World } from '../sim/world.ts';

/** @throws Error when a rule was broken: a figure of a cluster that does wrong says nothing */
export function requireSound({ violations }: World): void {
  const [first] = violations;
  if (first !== undefined) throw new Error(`the simulated cluster broke a rule: ${first.rule}: ${first.text}`);
}

/** Lets time pass until all is as it should be. @throws Error when it is not so by then */
export async function comeToRest(world: World, mostMs: number): Promise<void> {
  const untilMs = world.nowMs + mostMs;
  let left = missing(world);
  while (left.length > 0 && world.nowMs < untilMs && world.violations.length === 0) {
    await world.run(world.nowMs + 1_000);
    left = missing(world);
  }
  requireSound(world);
  if (left.length > 0) throw new Error(`the simulated cluster did not come to rest: ${left.slice(0, 5).join('; ')}`);
}
