/**
 * `npm run scenario -- [--accept] [--log] PATH…`: carries out scenarios, each a folder anywhere with `README`,
 * `cluster.yaml`, `script` and `expect`; without a path, all that stand beside this file. Prints how a log differs from the
 * reviewed one; `--accept` takes the new one for it. Exit code 1 when anything is not as expected.
 * @module
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createTwoFilesPatch } from 'diff';
import { ScriptError } from '../sim/actions.ts';
import { runCase } from '../sim/run.ts';
import { formatLine } from '../sim/trace.ts';
import { readCluster } from './cluster-file.ts';
import { logText, readExpectations } from './expectations.ts';

const { values, positionals } = parseArgs({
  options: { accept: { type: 'boolean', default: false }, log: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** @throws ScriptError that names the file */
function read<T>(folder: string, file: string, parse: (text: string) => T): T {
  const path = join(folder, file);
  if (!existsSync(path)) throw new ScriptError(`${path} is missing`);
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof ScriptError) throw new ScriptError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

/** What is not as expected. */
async function runScenario(folder: string): Promise<string[]> {
  read(folder, 'README', (text) => text);
  const world = read(folder, 'cluster.yaml', readCluster);
  const script = read(folder, 'script', (text) => text);
  const expected = read(folder, 'expect', readExpectations);
  const result = await runCase({ world, script }, { daemonLines: values.log }).catch((error: unknown) => {
    if (error instanceof ScriptError)
      throw new ScriptError(`${join(folder, 'script')}: ${error.message}`, { cause: error });
    throw error;
  });
  if (values.log) console.log(result.lines.map(formatLine).join('\n'));
  const wrong = [
    ...result.violations.map(({ rule, text }) => `${rule}: ${text}`),
    ...expected.properties.flatMap(({ line, text, holds }) => {
      const instead = holds(result);
      return instead === undefined ? [] : [`${join(folder, 'expect')}:${line}: ${text}: ${instead}`];
    }),
  ];
  const log = logText(result);
  if (log === expected.log) return wrong;
  if (values.accept && wrong.length === 0) {
    const head = expected.properties.map(({ text }) => text).join('\n');
    writeFileSync(join(folder, 'expect'), `${head}\n---\n${log}\n`);
    return wrong;
  }
  return [...wrong, createTwoFilesPatch('expected', 'is', `${expected.log}\n`, `${log}\n`, '', '', { context: 2 })];
}

const folders =
  positionals.length > 0
    ? positionals.map((path) => resolve(path))
    : readdirSync(import.meta.dirname, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(import.meta.dirname, entry.name))
        .sort();
let failed = 0;
for (const folder of folders) {
  try {
    const wrong = await runScenario(folder);
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
