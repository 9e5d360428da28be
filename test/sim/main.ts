/**
 * `npm run sim`: random worlds, one for each seed, in which random things go wrong; see `usage`. Ends with 1 when a rule
 * was broken; the seed shows it again.
 * @module
 */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { writeScenario } from '../scenarios/write-scenario.ts';
import { misuse, readWords } from '../tool.ts';
import { generate } from './generate.ts';
import type { Job, JobResult } from './job.ts';
import { plants } from './plants.ts';
import { runCase } from './run.ts';
import { shrink } from './shrink.ts';
import { runJobs } from './workers.ts';

const command = 'npm run sim';
const usage = `Clusters of daemons on a virtual clock, with random disasters; every rule is checked after every event.

  npm run sim -- [--seeds N] [--from SEED] [--nodes N] [--jobs N]   seeds SEED to SEED+N-1 (100 from 1)
  npm run sim -- --seed SEED --log                                  one run, with all that the daemons log
  npm run sim -- --seed SEED --shrink FOLDER                        its smallest case that breaks the same rule, as a scenario
  npm run sim -- --plant BUG …                                      with a planted bug: something must be found

  --nodes N   nodes of every world (drawn from the seed: 3 to 9)
  --jobs N    processes (as many as there are cores); the output is the same

Bugs: ${plants.map(({ name, summary }) => `${name} (${summary})`).join(', ')}
`;

/** Runs that shrinking may take; a run is a fraction of a second. */
const shrinkRuns = 400;

function read() {
  const { values } = readWords(command, usage, {
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      nodes: { type: 'string' },
      jobs: { type: 'string' },
      plant: { type: 'string' },
      log: { type: 'boolean', default: false },
      shrink: { type: 'string' },
    },
  });
  const whole = (name: 'seeds' | 'from' | 'seed' | 'nodes' | 'jobs', least = 1): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      misuse(command, `--${name} takes a whole number from ${least} on, not ${text}`);
    return value;
  };
  const one = whole('seed');
  if (one !== undefined && (values.seeds !== undefined || values.from !== undefined))
    misuse(command, '--seed is one seed: it does not go with --seeds and --from');
  if (values.shrink !== undefined && one === undefined) misuse(command, '--shrink needs --seed');
  if (values.plant !== undefined && !plants.some(({ name }) => name === values.plant))
    misuse(command, `--plant takes one of ${plants.map(({ name }) => name).join(', ')}, not ${values.plant}`);
  return {
    first: one ?? whole('from') ?? 1,
    count: one === undefined ? (whole('seeds') ?? 100) : 1,
    nodes: whole('nodes', 3),
    jobs: whole('jobs') ?? availableParallelism(),
    plant: values.plant,
    log: values.log,
    shrink: values.shrink,
  };
}

type Wanted = ReturnType<typeof read>;

const violationText = ({ seed, violations }: JobResult): string =>
  `seed ${seed}: ${violations.map((one) => `${one.rule}: ${one.text}`).join('\n  ')}\n`;

async function run({ first, count, nodes, jobs, plant, log }: Wanted): Promise<boolean> {
  const begin = performance.now();
  const all = Array.from({ length: count }, (_, index): Job => ({ seed: first + index, nodes, plant, log }));
  let done = 0;
  let broken = 0;
  const progress = process.stderr.isTTY && !log;
  for await (const result of runJobs(all, { workers: Math.min(jobs, count) })) {
    done += 1;
    if (progress) process.stderr.write(`\r${done} of ${count} seeds, ${broken} with violations `);
    for (const line of result.log) process.stdout.write(`${line}\n`);
    if (result.violations.length === 0) continue;
    broken += 1;
    process.stdout.write(violationText(result));
  }
  if (progress) process.stderr.write('\r\u001b[K');
  const seconds = (performance.now() - begin) / 1000;
  process.stdout.write(
    `${count} seeds, ${broken} with violations, ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(1)} seeds/s\n`,
  );
  return broken === 0;
}

/** @returns false: a rule is broken, and the small case of it is written */
async function shrinkTo(folder: string, { first: seed, nodes, plant: name }: Wanted): Promise<boolean> {
  const plant = plants.find((one) => one.name === name);
  const made = generate(seed, { nodes });
  const [violation] = (await runCase(made, { plant, probe: true })).violations;
  if (violation === undefined) {
    process.stdout.write(`seed ${seed} breaks no rule: there is nothing to shrink\n`);
    return true;
  }
  const { rule } = violation;
  const probe = rule === 'not-prompt';
  const small = await shrink(made, rule, {
    plant,
    probe,
    runs: shrinkRuns,
    onSmaller: ({ script, world }, left) =>
      process.stderr.write(
        `${script.split('\n').length - 1} lines, ${world.nodes.length} nodes, ${world.guests.length} guests; ${left} runs left\n`,
      ),
  });
  const what = (await runCase(small, { plant, probe })).violations.map((one) => `${one.rule}: ${one.text}`);
  const notes = [
    `Seed ${seed}, made small. It breaks:`,
    '',
    ...what.map((text) => `  ${text}`),
    ...(name === undefined ? [] : ['', `With the planted bug ${name}: npm run scenario -- --plant ${name}`]),
    ...(probe ? ['', 'Shown only with --probe: at the end the cluster is asked for something.'] : []),
  ];
  writeScenario(resolve(folder), small, notes.join('\n'));
  process.stdout.write(`${what.join('\n')}\n${resolve(folder)}: npm run scenario -- ${folder}\n`);
  return false;
}

const wanted = read();
const fine = wanted.shrink === undefined ? await run(wanted) : await shrinkTo(wanted.shrink, wanted);
process.exitCode = fine ? 0 : 1;
