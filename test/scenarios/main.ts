/**
 * `npm run scenario -- [--accept] [--log] [--plant BUG] [--probe] PATH…`: carries out scenarios, each a folder anywhere with `README`,
 * `cluster.yaml`, `script` and `expect`; without a path, all that stand beside this file. Prints how a log differs from the
 * reviewed one; `--accept` takes the new one for it. `--plant` and `--probe` are those of `npm run sim`. Exit code 1 when anything is not as expected.
 * @module
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ScriptError } from '../sim/actions.ts';
import { plants } from '../sim/plants.ts';
import { ownScenarios, runScenario } from './scenario.ts';

const { values, positionals } = parseArgs({
  options: {
    accept: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    plant: { type: 'string' },
    probe: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const plant = plants.find(({ name }) => name === values.plant);
if (values.plant !== undefined && plant === undefined)
  throw new Error(`--plant takes one of ${plants.map(({ name }) => name).join(', ')}, not ${values.plant}`);
const folders = positionals.length > 0 ? positionals.map((path) => resolve(path)) : ownScenarios();
let failed = 0;
for (const folder of folders) {
  try {
    const wrong = await runScenario(folder, { ...values, plant });
    if (wrong.length === 0) continue;
    failed += 1;
    console.log(`${folder}\n  ${wrong.join('\n  ')}`);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    failed += 1;
    console.log(error.message);
  }
}
console.log(`${folders.length} scenarios, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
