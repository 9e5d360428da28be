/**
 * Makes a case that breaks a rule small: lines of its script, guests and nodes are left out for as long as the same rule
 * is still broken. What remains is what matters.
 *
 * Whatever is left out moves all delays that are drawn after it. A rule that is broken within a few milliseconds only would
 * not be broken by any smaller case, then: where nothing can be left out, each smaller case is tried with other delays too.
 * @module
 */
import { ScriptError } from './actions.ts';
import { type Case, type RunOptions, runCase } from './run.ts';

export interface ShrinkOptions extends Pick<RunOptions, 'plant' | 'probe'> {
  /** Most runs that are tried. */
  readonly runs: number;
  /** Told each time the case has become smaller. */
  readonly onSmaller?: (made: Case, runsLeft: number) => void;
}

/** Delays that each smaller case is tried with once its own have led nowhere. */
const otherDelays = 4;

const linesOf = (script: string): string[] => script.split('\n').filter((line) => line !== '');

/** @returns the smallest case found that breaks `rule`; the given one when nothing can be left out */
export async function shrink(made: Case, rule: string, options: ShrinkOptions): Promise<Case> {
  const { plant, probe, onSmaller } = options;
  let best = made;
  let runsLeft = options.runs;
  let delays = 1;

  const breaks = async (smaller: Case): Promise<boolean> => {
    runsLeft -= 1;
    const { violations } = await runCase(smaller, { plant, probe });
    return violations.some((one) => one.rule === rule);
  };

  /** Takes the smaller case when it still breaks the rule. */
  const take = async (smaller: Case): Promise<boolean> => {
    if (!isWorld(smaller)) return false;
    try {
      for (let nth = 0; nth < delays && runsLeft > 0; nth += 1) {
        const tried = nth === 0 ? smaller : withOtherDelays(smaller, nth);
        if (!(await breaks(tried))) continue;
        best = tried;
        onSmaller?.(best, runsLeft);
        return true;
      }
      return false;
    } catch (error) {
      // A line speaks of a guest or node that is left out, or waits for what does not happen any more.
      if (error instanceof ScriptError) return false;
      throw error;
    }
  };

  /** Leaves out runs of `items`, long ones first. */
  const leaveOut = async <T>(items: () => readonly T[], without: (rest: readonly T[]) => Case): Promise<void> => {
    for (let length = Math.ceil(items().length / 2); length >= 1 && runsLeft > 0; length = Math.floor(length / 2))
      for (let at = 0; at < items().length && runsLeft > 0; ) {
        const now = items();
        if (!(await take(without([...now.slice(0, at), ...now.slice(at + length)])))) at += length;
      }
  };

  for (let sizeBefore = Number.POSITIVE_INFINITY; runsLeft > 0; ) {
    if (sizeOf(best) === sizeBefore) {
      if (delays > 1 || sizeOf(best) < sizeOf(made)) break;
      delays += otherDelays;
    }
    sizeBefore = sizeOf(best);
    await leaveOut(
      () => linesOf(best.script),
      (rest) => ({ ...best, script: rest.map((line) => `${line}\n`).join('') }),
    );
    await leaveOut(
      () => best.world.rules,
      (rules) => ({ ...best, world: { ...best.world, rules } }),
    );
    await leaveOut(
      () => best.world.guests,
      (guests) => ({ ...best, world: { ...best.world, guests } }),
    );
    await leaveOut(
      () => best.world.nodes,
      (nodes) => ({ ...best, world: { ...best.world, nodes } }),
    );
  }
  return best;
}

const withOtherDelays = (one: Case, nth: number): Case => ({
  ...one,
  world: { ...one.world, seed: `${one.world.seed}+${nth}` },
});

/** Every guest has its node, and every rule its guests. */
const isWorld = ({ world: { nodes, guests, rules } }: Case): boolean =>
  nodes.length > 0 &&
  guests.every((guest) => nodes.some(({ name }) => name === guest.node)) &&
  rules.every((rule) => rule.guests.every((one) => guests.some(({ name }) => name === one)));

const sizeOf = ({ world, script }: Case): number =>
  linesOf(script).length + world.guests.length + world.nodes.length + world.rules.length;
