/**
 * Power of one node. A node that is on is a set of namespaces held by one process; killing that process
 * is a power cut: the kernel ends everything in it at once.
 * @module
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { becomesTrue } from './becomes-true.ts';
import { bootedMark, bootScript } from './boot-script.ts';
import { connectNode, disconnectNode } from './links.ts';
import { nodeFiles } from './node-files.ts';
import { nodeBootLog, nodeDataDirectory } from './paths.ts';
import { childrenOf, isAlive, type ProcessIdentity, startTicks } from './process-identity.ts';
import { repository } from './repository.ts';
import { startDetached } from './run.ts';
import { type LabRecord, readPower, removePower, writePower } from './state.ts';
import { LabError, type NodePlan, namespaceName } from './topology.ts';

/** The first process of a node that is on, seen from the machine; undefined when the node is off. */
export async function poweredProcess(lab: string, node: NodePlan): Promise<ProcessIdentity | undefined> {
  const record = await readPower(lab, node.name);
  if (record === undefined) return undefined;
  return (await isAlive(record)) ? record : undefined;
}

/** Puts the files on a new node's disk, for its first boot to lay down. */
export async function installNode(record: LabRecord, node: NodePlan): Promise<void> {
  const { topology } = record;
  const data = nodeDataDirectory(topology.name, node.name);
  const seed = join(data, 'seed');
  await mkdir(seed, { recursive: true });
  for (const { path, text, mode } of nodeFiles(topology, node, { repository, dev: record.dev })) {
    const target = join(seed, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, text);
    await chmod(target, mode);
  }
  const script = bootScript({ hostname: node.name, data, visible: [repository], guest: record.guest });
  await writeFile(join(data, 'boot.sh'), script);
}

/**
 * Connects the node's cables and boots it.
 * @throws LabError when it is on already or does not come up; CommandFailed from its links
 */
export async function powerOn(record: LabRecord, node: NodePlan, signal?: AbortSignal): Promise<void> {
  const { topology } = record;
  const lab = topology.name;
  if ((await poweredProcess(lab, node)) !== undefined) throw new LabError(`${node.name} is on already`);
  // A power cut that was interrupted may have left the links behind.
  await disconnectNode(lab, node);
  await connectNode(topology, node, signal);

  const log = nodeBootLog(lab, node.name);
  await writeFile(log, '');
  const intoNetwork = ['nsenter', `--net=/run/netns/${namespaceName(lab, node.name)}`];
  const intoRest = 'unshare --mount --uts --ipc --pid --fork --kill-child=KILL --mount-proc'.split(' ');
  const script = join(nodeDataDirectory(lab, node.name), 'boot.sh');
  const holder = await startDetached([...intoNetwork, ...intoRest, 'sh', script], log);
  let first: number | undefined;
  const hasBooted = await becomesTrue(
    async () => {
      [first] = await childrenOf(holder);
      if (first === undefined) return (await startTicks(holder)) === undefined;
      return existsSync(`/proc/${first}/root${bootedMark}`);
    },
    10_000,
    signal,
  );
  const ticks = first === undefined ? undefined : await startTicks(first);
  if (!hasBooted || first === undefined || ticks === undefined) {
    throw new LabError(`${node.name} did not boot:\n${await readFile(log, 'utf8')}`);
  }
  await writePower(lab, node.name, { pid: first, startTicks: ticks });
}

/** Cuts the power and pulls the cables; a node that is off stays off. @throws LabError when its processes do not end */
export async function powerOff(lab: string, node: NodePlan): Promise<void> {
  const running = await poweredProcess(lab, node);
  if (running !== undefined) {
    process.kill(running.pid, 'SIGKILL');
    const isGone = await becomesTrue(async () => !(await isAlive(running)), 30_000);
    if (!isGone) throw new LabError(`the first process of ${node.name} (${running.pid}) does not die`);
  }
  await disconnectNode(lab, node);
  await removePower(lab, node.name);
}
