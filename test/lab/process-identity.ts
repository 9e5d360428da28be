/**
 * Tells processes apart by what /proc says of them (proc(5)).
 * @module
 */
import { readdir, readFile } from 'node:fs/promises';

/** Which process, and not a later one with the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** This process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startTicks: (await startTicks(process.pid)) ?? 0 };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await startTicks(identity.pid)) === identity.startTicks;
}

/** Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat); undefined when there is none. */
export async function startTicks(pid: number): Promise<number | undefined> {
  const stat = await textOf(`/proc/${pid}/stat`);
  // The second field, the command in parentheses, may hold blanks and parentheses itself.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; only its parent has not looked yet.
  return fields === undefined || fields[0] === 'Z' ? undefined : Number(fields[19]);
}

/** Whether a process is number 1 in a pid namespace below ours (NSpid of /proc/PID/status: our number for it first, its own last). */
export async function isFirstOfNamespace(pid: number): Promise<boolean> {
  const numbers = /^NSpid:\t(.*)$/m.exec((await textOf(`/proc/${pid}/status`)) ?? '')?.[1]?.split('\t') ?? [];
  return numbers.length > 1 && numbers.at(-1) === '1';
}

/** The children that a process has at this moment. */
export async function childrenOf(pid: number): Promise<number[]> {
  const text = await textOf(`/proc/${pid}/task/${pid}/children`);
  return (text ?? '')
    .split(' ')
    .filter((word) => word.trim() !== '')
    .map(Number);
}

/** Every process of the machine whose file in /proc/PID/ holds `needle`: `mountinfo`, `cmdline`. */
export async function processesWith(file: 'mountinfo' | 'cmdline', needle: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const matches = await Promise.all(
    pids.map(async (pid) => ((await textOf(`/proc/${pid}/${file}`)) ?? '').includes(needle)),
  );
  return pids.filter((_, index) => matches[index]);
}

/** What is worth knowing of a process in a message: its pid and command line. */
export async function describeProcess(pid: number): Promise<string> {
  const words = (await textOf(`/proc/${pid}/cmdline`)) ?? '';
  return `${pid} ${words.replaceAll('\0', ' ').trim().slice(0, 120)}`;
}

/** Undefined when the process is gone: between listing and reading it may end at any moment. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EINVAL') return undefined;
    throw error;
  }
}
