/**
 * `npm run sim -- [--seeds N] [--seed S] [--nodes N] [--log]`: runs random cases and tells which break a rule. Exit code 1
 * when one does. `--seed` is the first seed, or the only one when `--seeds` is not given; `--log` prints the whole run.
 * @module
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generate } from './generate.ts';
import { runCase } from './run.ts';
import { formatLine } from './trace.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string' },
    nodes: { type: 'string' },
    log: { type: 'boolean', default: false },
  },
});

function whole(name: 'seeds' | 'seed' | 'nodes', text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1) return number;
  throw new Error(`--${name} is a whole number from 1, not "${text}"`);
}

async function runSeeds(first: number, count: number): Promise<number> {
  const nodes = values.nodes === undefined ? undefined : whole('nodes', values.nodes, 3);
  let broken = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const drawn = generate(seed, { nodes });
    const { violations, lines } = await runCase(drawn, { daemonLines: values.log });
    if (values.log) console.log(`${drawn.script}\n${lines.map(formatLine).join('\n')}`);
    for (const { atMs, rule, text } of violations)
      console.log(`seed ${seed} at ${(atMs / 1000).toFixed(3)} s: ${rule}: ${text}`);
    if (violations.length > 0) broken += 1;
  }
  return broken;
}

/** A share of the seeds in a process of its own, so that both cores work. */
function share(first: number, count: number): Promise<number> {
  const args = ['--seed', String(first), '--seeds', String(count)];
  if (values.nodes !== undefined) args.push('--nodes', values.nodes);
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), args, { env: { ...process.env, PVC_SIM_SHARE: '1' } });
    let broken: number | undefined;
    child.on('message', (told) => {
      broken = Number(told);
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      broken === undefined ? reject(new Error(`a share of the seeds ended with ${code}`)) : resolve(broken),
    );
  });
}

const first = whole('seed', values.seed, 1);
const count = whole('seeds', values.seeds, values.seed === undefined ? 100 : 1);
if (process.send !== undefined && process.env['PVC_SIM_SHARE'] === '1') {
  process.send(await runSeeds(first, count));
  process.disconnect();
} else {
  const fromMs = performance.now();
  const shares = values.log || count < 4 ? 1 : Math.min(availableParallelism(), 8);
  const size = Math.ceil(count / shares);
  const broken =
    shares === 1
      ? [await runSeeds(first, count)]
      : await Promise.all(
          Array.from({ length: shares }, (_, at) => share(first + at * size, Math.max(0, Math.min(size, count - at * size)))),
        );
  const total = broken.reduce((sum, each) => sum + each, 0);
  console.log(`${count} seeds, ${total} with violations, ${((performance.now() - fromMs) / 1000).toFixed(1)} s`);
  process.exitCode = total === 0 ? 0 : 1;
}
