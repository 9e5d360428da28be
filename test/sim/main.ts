/**
 * `npm run sim -- [--seeds N] [--from SEED] [--nodes N] [--plant BUG] [--log]`: random worlds, one for each seed, in
 * which random things go wrong. Ends with 1 when a rule was broken; the seed shows it again.
 * @module
 */
import { parseArgs } from 'node:util';
import { generate } from './generate.ts';
import { plants } from './plants.ts';
import { runCase } from './run.ts';
import { formatLine } from './trace.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    nodes: { type: 'string' },
    plant: { type: 'string' },
    log: { type: 'boolean', default: false },
  },
});

const whole = (text: string, name: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1 on, not ${text}`);
  return value;
};
const first = whole(values.from, 'from');
const count = whole(values.seeds, 'seeds');
const nodes = values.nodes === undefined ? undefined : whole(values.nodes, 'nodes');

const plant = plants.find(({ name }) => name === values.plant);
if (values.plant !== undefined && plant === undefined)
  throw new Error(`--plant takes one of: ${plants.map(({ name, summary }) => `${name} (${summary})`).join(', ')}`);

const begin = performance.now();
let broken = 0;
for (let seed = first; seed < first + count; seed += 1) {
  const made = generate(seed, { nodes });
  const { violations, lines } = await runCase(made, { daemonLines: values.log, plant, probe: true });
  if (values.log) for (const line of lines) process.stdout.write(`${formatLine(line)}\n`);
  if (violations.length === 0) continue;
  broken += 1;
  process.stdout.write(`seed ${seed}: ${violations.map((one) => `${one.rule}: ${one.text}`).join('\n  ')}\n`);
}
const seconds = (performance.now() - begin) / 1000;
process.stdout.write(`${count} seeds, ${broken} with violations, ${seconds.toFixed(1)} s\n`);
process.exit(broken === 0 ? 0 : 1);
