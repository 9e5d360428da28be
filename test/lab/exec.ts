/**
 * Commands inside a lab: on a node as its root, or in the network of the router outside or of the fabric.
 * @module
 */

import { poweredProcess } from './node-namespace.ts';
import { nodeDataDirectory } from './paths.ts';
import { type RunOptions, type RunResult, run } from './run.ts';
import type { LabRecord } from './state.ts';
import { LabError, namespaceName, nodeOf } from './topology.ts';

/** The members of a lab that are a network only, on the machine's own files. */
const networkOnly: readonly string[] = ['outside', 'fabric'];

/**
 * The argv that runs `argv` on a member of the lab.
 * @throws LabError when there is no such member or it is off
 */
export async function commandOn(record: LabRecord, member: string, argv: readonly string[]): Promise<string[]> {
  const lab = record.topology.name;
  if (networkOnly.includes(member)) return ['ip', 'netns', 'exec', namespaceName(lab, member), ...argv];
  const node = nodeOf(record.topology, member);
  const first = await poweredProcess(lab, node);
  if (first === undefined) throw new LabError(`${member} is off; switch it on: npm run lab -- power ${member} on`);
  const environment = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    'USER=root',
    'LANG=C.UTF-8',
  ];
  if (process.env.TERM !== undefined) environment.push(`TERM=${process.env.TERM}`);
  return [...intoNode(first.pid), 'env', '-i', ...environment, ...argv];
}

/** The words that put what follows into every namespace of a node. */
const intoNode = (pid: number): string[] => [
  'nsenter',
  '--target',
  String(pid),
  '--mount',
  '--uts',
  '--ipc',
  '--net',
  '--pid',
  '--',
];

/** Runs a command on a member of the lab and collects its output. @throws LabError, CommandFailed */
export async function execOn(
  record: LabRecord,
  member: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return run(await commandOn(record, member, argv), { shownAs: `${member}: ${argv.join(' ')}`, ...options });
}

/** A path that leads from the machine to a file of a node that is on, /proc and /run included. @throws LabError */
export async function pathOn(record: LabRecord, member: string, path: string): Promise<string> {
  const node = nodeOf(record.topology, member);
  const first = await poweredProcess(record.topology.name, node);
  if (first === undefined)
    throw new LabError(`${member} is off, its files are below ${nodeDataDirectory(record.topology.name, member)}`);
  return `/proc/${first.pid}/root${path}`;
}
