/** One scenario: a folder with `README`, `cluster.yaml`, `script` and `expect`. @module */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { ScriptError } from '../sim/actions.ts';
import type { Plant } from '../sim/plants.ts';
import { runCase } from '../sim/run.ts';
import { formatLine } from '../sim/trace.ts';
import { readCluster } from './cluster-file.ts';
import { logText, readExpectations } from './expectations.ts';

export interface ScenarioOptions {
  /** Takes the log as it is for the reviewed one, where every property holds. */
  readonly accept?: boolean;
  /** Prints the whole log, with what the daemons say. */
  readonly log?: boolean;
  /** A bug in the world around the daemons. */
  readonly plant?: Plant | undefined;
  /** Asks something of the cluster that has come to rest. */
  readonly probe?: boolean;
}

/** The scenarios that stand beside this file. */
export const ownScenarios = (): string[] =>
  readdirSync(import.meta.dirname, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(import.meta.dirname, entry.name))
    .sort();

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

/** Carries it out. @returns what is not as expected @throws ScriptError that names file and line */
export async function runScenario(folder: string, options: ScenarioOptions = {}): Promise<string[]> {
  read(folder, 'README', (text) => text);
  const world = read(folder, 'cluster.yaml', readCluster);
  const script = read(folder, 'script', (text) => text);
  const expected = read(folder, 'expect', readExpectations);
  const result = await runCase(
    { world, script },
    {
      daemonLines: options.log === true,
      plant: options.plant,
      probe: options.probe === true,
    },
  ).catch((error: unknown) => {
    if (error instanceof ScriptError)
      throw new ScriptError(`${join(folder, 'script')}: ${error.message}`, { cause: error });
    throw error;
  });
  if (options.log === true) console.log(result.lines.map(formatLine).join('\n'));
  const wrong = [
    ...result.violations.map(({ rule, text }) => `${rule}: ${text}`),
    ...expected.properties.flatMap(({ line, text, holds }) => {
      const instead = holds(result);
      return instead === undefined ? [] : [`${join(folder, 'expect')}:${line}: ${text}: ${instead}`];
    }),
  ];
  const log = logText(result);
  if (log === expected.log) return wrong;
  if (options.accept === true && wrong.length === 0) {
    const head = expected.properties.map(({ text }) => text).join('\n');
    writeFileSync(join(folder, 'expect'), `${head}\n---\n${log}\n`);
    return wrong;
  }
  return [...wrong, createTwoFilesPatch('expected', 'is', `${expected.log}\n`, `${log}\n`, '', '', { context: 2 })];
}
