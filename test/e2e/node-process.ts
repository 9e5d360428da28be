/**
 * Processes of a node as the machine knows them, to be signalled by number at a chosen moment: going into
 * the node first would take tens of milliseconds.
 * @module
 */
import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { poweredProcess } from '../lab/node-namespace.ts';
import { nodeOf } from '../lab/topology.ts';
import type { TestLab } from './test-lab.ts';

/** A process of a node. */
export interface NodeProcess {
  /** Its number outside the node. */
  readonly pid: number;
  readonly words: readonly string[];
}

/** The processes of a node whose command line fits. @throws AssertionError when the node is off */
export async function nodeProcesses(
  lab: TestLab,
  node: string,
  fits: (words: readonly string[]) => boolean,
): Promise<NodeProcess[]> {
  const first = await poweredProcess(lab.name, nodeOf(lab.record.topology, node));
  assert.ok(first, `${node} is off`);
  const namespace = await readlink(`/proc/${first.pid}/ns/pid`);
  const found: NodeProcess[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const words = (await readFile(`/proc/${name}/cmdline`, 'utf8')).split('\0');
      if (fits(words) && (await readlink(`/proc/${name}/ns/pid`)) === namespace)
        found.push({ pid: Number(name), words });
    } catch (error) {
      // It ended while it was looked at: ENOENT from its directory, ESRCH from a file that was open.
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return found;
}

/** The pid of the daemon of PVC, of libvirtd, of another by its program's name. @throws AssertionError when there is not exactly one */
export async function daemonPid(lab: TestLab, node: string, daemon: string): Promise<number> {
  const isIt = (words: readonly string[]): boolean =>
    daemon === 'pvc'
      ? words.includes('daemon') && !words[0]?.endsWith('sh') && words[0] !== 'env'
      : words[0]?.split('/').at(-1) === daemon;
  const [one, ...more] = await nodeProcesses(lab, node, isIt);
  assert.ok(one !== undefined && more.length === 0, `${more.length + (one === undefined ? 0 : 1)} of ${daemon} run`);
  return one.pid;
}

/** The pids of the QEMUs of a node by the names of their guests; two pids would be two copies. */
export async function qemus(lab: TestLab, node: string): Promise<Map<string, number[]>> {
  const byGuest = new Map<string, number[]>();
  for (const { pid, words } of await nodeProcesses(lab, node, ([file]) => /qemu-system-[^/]*$/.test(file ?? ''))) {
    const name = /^guest=([^,]*)/.exec(words[words.indexOf('-name') + 1] ?? '')?.[1];
    // A QEMU without one is a probe of what it can do.
    if (name !== undefined) byGuest.set(name, [...(byGuest.get(name) ?? []), pid]);
  }
  return byGuest;
}
