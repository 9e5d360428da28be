/**
 * Takes a lab away, whatever state it is in.
 * @module
 */
import { rm } from 'node:fs/promises';
import { becomesTrue } from './becomes-true.ts';
import { leftovers, processesOf } from './leftovers.ts';
import { namespacesOf } from './links.ts';
import { dataDirectory, stateDirectory } from './paths.ts';
import { childrenOf, isFirstOfNamespace } from './process-identity.ts';
import { run } from './run.ts';
import { LabError } from './topology.ts';

/**
 * Ends the lab's processes, removes its namespaces and directories. Goes by names, not by records, so
 * that it works after a crash half-way through `up`; a lab that is not there is fine.
 * @throws LabError naming what could not be removed
 */
export async function takeDown(lab: string): Promise<void> {
  // The first process of a node takes all others of it along. Who holds its namespaces is its parent, and
  // is left to see it end and to end by itself.
  const all = await processesOf(lab);
  const holders = new Set<number>();
  for (const pid of all) if (await someFirst(await childrenOf(pid))) holders.add(pid);
  for (const pid of all) if (!holders.has(pid)) kill(pid);
  await becomesTrue(async () => (await processesOf(lab)).length === 0, 1_000);
  const areGone = await becomesTrue(async () => {
    const pids = await processesOf(lab);
    for (const pid of pids) kill(pid);
    return pids.length === 0;
  }, 30_000);
  if (areGone) {
    for (const name of await namespacesOf(lab)) await run(['ip', 'netns', 'del', name]);
    for (const directory of [dataDirectory(lab), stateDirectory(lab)])
      await rm(directory, { recursive: true, force: true });
  }
  let left: string[] = [];
  // The kernel lets go of a loop device, and of a mount, a moment after the last process that had it.
  const isGone = async (): Promise<boolean> => {
    left = await leftovers(lab);
    return left.length === 0;
  };
  if (!(await becomesTrue(isGone, 10_000)))
    throw new LabError(`lab ${lab} could not be removed altogether:\n${left.join('\n')}`);
}

async function someFirst(pids: readonly number[]): Promise<boolean> {
  for (const pid of pids) if (await isFirstOfNamespace(pid)) return true;
  return false;
}

/** A process may end between being listed and being killed. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
