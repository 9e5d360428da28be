/**
 * `npm run scenario`: carries out scenarios and prints how each log differs from the reviewed one; see `usage`. Ends with 1
 * when anything is not as expected.
 * @module
 */
import { resolve } from 'node:path';
import { ScriptError } from '../sim/actions.ts';
import { plants } from '../sim/plants.ts';
import { misuse, readWords } from '../tool.ts';
import { ownScenarios, runScenario } from './scenario.ts';

const command = 'npm run scenario';
const usage = `Scenarios: each a folder, anywhere, with README, cluster.yaml, script and expect (docs/simulator.md).

  npm run scenario -- [PATH…]        these, or all that stand in test/scenarios; prints how a log differs from expect
  npm run scenario -- --log PATH     with all that the daemons log
  npm run scenario -- --accept PATH  takes the log that comes out for the expected one

  --plant BUG   with a planted bug: ${plants.map(({ name }) => name).join(', ')}
  --probe       at the end the cluster is asked for something, which must be done promptly
`;

const { values, positionals } = readWords(command, usage, {
  options: {
    accept: { type: 'boolean', default: false },
    log: { type: 'boolean', default: false },
    plant: { type: 'string' },
    probe: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

async function main(): Promise<boolean> {
  const plant = plants.find(({ name }) => name === values.plant);
  if (values.plant !== undefined && plant === undefined)
    misuse(command, `--plant takes one of ${plants.map(({ name }) => name).join(', ')}, not ${values.plant}`);
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
  return failed === 0;
}

process.exitCode = (await main()) ? 0 : 1;
