/** One seed to be run, and what came of it: what a worker is told and tells. Plain data, since it crosses processes. @module */
import { generate } from './generate.ts';
import { plants } from './plants.ts';
import { runCase } from './run.ts';
import { formatLine } from './trace.ts';
import type { Violation } from './violation.ts';

export interface Job {
  readonly seed: number;
  /** Absent: drawn from the seed. */
  readonly nodes?: number | undefined;
  /** Name of a bug to plant. */
  readonly plant?: string | undefined;
  /** Whether the log is wanted, with what the daemons say. */
  readonly log: boolean;
}

export interface JobResult {
  readonly seed: number;
  readonly violations: readonly Pick<Violation, 'rule' | 'text'>[];
  readonly log: readonly string[];
}

export async function runJob({ seed, nodes, plant: name, log }: Job): Promise<JobResult> {
  const plant = plants.find((one) => one.name === name);
  const { violations, lines } = await runCase(generate(seed, { nodes }), { daemonLines: log, plant, probe: true });
  return {
    seed,
    violations: violations.map(({ rule, text }) => ({ rule, text })),
    log: log ? lines.map(formatLine) : [],
  };
}
