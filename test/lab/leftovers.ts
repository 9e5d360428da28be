/**
 * Looks for anything of a lab that is still on the machine.
 * @module
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { namespacesOf } from './links.ts';
import { dataDirectory, stateDirectory } from './paths.ts';
import { describeProcess, processesWith } from './process-identity.ts';
import { run } from './run.ts';

/**
 * Processes in the lab's namespaces: those that see a node's disk, and those in one of its networks.
 * The first kind is found even when the lab's own records are lost.
 */
export async function processesOf(lab: string): Promise<number[]> {
  const pids = new Set(await processesWith('mountinfo', `${dataDirectory(lab)}/`));
  for (const name of await namespacesOf(lab)) {
    const { stdout } = await run(['ip', 'netns', 'pids', name], { accept: 'any' });
    for (const pid of stdout.split('\n')) if (pid !== '') pids.add(Number(pid));
  }
  pids.delete(process.pid);
  return [...pids];
}

/** One line for each thing that `down` should have removed; empty when the machine is clean. */
export async function leftovers(lab: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await processesOf(lab)) found.push(`process ${await describeProcess(pid)}`);
  // The router outside has no disk of its own: it is known by its configuration file.
  for (const pid of await processesWith('cmdline', `${stateDirectory(lab)}/`)) {
    if (pid !== process.pid) found.push(`process ${await describeProcess(pid)}`);
  }
  for (const name of await namespacesOf(lab)) found.push(`network namespace ${name}`);
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  for (const line of mounts.filter((each) => each.includes(`${dataDirectory(lab)}/`))) found.push(`mount ${line}`);
  found.push(...(await loopDevicesBelow(`${dataDirectory(lab)}/`)));
  for (const directory of [stateDirectory(lab), dataDirectory(lab)])
    if (existsSync(directory)) found.push(`directory ${directory}`);
  return [...new Set(found)];
}

async function loopDevicesBelow(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const device of (await readdir('/sys/block')).filter((name) => name.startsWith('loop'))) {
    const file = `/sys/block/${device}/loop/backing_file`;
    if (!existsSync(file)) continue;
    const backing = (await readFile(file, 'utf8')).trim();
    if (backing.startsWith(directory)) found.push(`loop device ${device} on ${backing}`);
  }
  return found;
}
