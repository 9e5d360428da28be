/**
 * How long short commands take: wall clock, and the processor time of their processes, which says more on a
 * machine that has other things to do. Commands are run in turns, so that all meet the same conditions.
 * @module
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { median } from './figure.ts';

/** Clock ticks of /proc in milliseconds (sysconf(_SC_CLK_TCK) is 100 on Linux). */
const tickMs = 10;

export interface TimedCommand {
  readonly argv: readonly string[];
  /** Nothing but these; a command of ours must need nothing. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface CommandTimes {
  readonly medianMs: number;
  readonly leastMs: number;
  /** User and system time of a run, on average. */
  readonly cpuMs: number;
}

/** Processor time of all children that have ended, fields 16 and 17 of /proc/PID/stat (proc(5)). */
function endedChildrenCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * tickMs;
}

/** @throws Error when it does not end with 0, with what it printed */
export function runOnce({ argv, environment = {} }: TimedCommand): Promise<{ tookMs: number; output: string }> {
  const [file = '', ...rest] = argv;
  return new Promise((resolve, reject) => {
    const startMs = performance.now();
    const child = spawn(file, rest, { env: { ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ tookMs: performance.now() - startMs, output });
      else reject(new Error(`${argv.join(' ')} ended with ${String(code)}: ${errors}`));
    });
  });
}

/** Runs each command `runs` times, in turns, after one run of each that does not count. */
export async function timeCommands<K extends string>(
  commands: Readonly<Record<K, TimedCommand>>,
  runs: number,
): Promise<Record<K, CommandTimes>> {
  const names = Object.keys(commands) as K[];
  const wall = new Map<K, number[]>(names.map((name) => [name, []]));
  const cpu = new Map<K, number>(names.map((name) => [name, 0]));
  for (let run = -1; run < runs; run += 1) {
    for (const name of names) {
      const beforeMs = endedChildrenCpuMs();
      const { tookMs } = await runOnce(commands[name]);
      if (run === -1) continue;
      wall.get(name)?.push(tookMs);
      cpu.set(name, (cpu.get(name) ?? 0) + endedChildrenCpuMs() - beforeMs);
    }
  }
  return Object.fromEntries(
    names.map((name) => {
      const samples = wall.get(name) ?? [];
      return [name, { medianMs: median(samples), leastMs: Math.min(...samples), cpuMs: (cpu.get(name) ?? 0) / runs }];
    }),
  ) as Record<K, CommandTimes>;
}
