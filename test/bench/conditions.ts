/**
 * Under which conditions the figures were measured: a figure without them says nothing.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { linuxMachine } from '../../core/host/linux-machine.ts';

export interface Conditions {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly memoryAvailableMiB: number;
  /** Processes that wanted to run, on average, in the minute before. */
  readonly load1: number;
  readonly os: string;
  readonly kernel: string;
  readonly node: string;
  readonly libvirt: string;
  readonly qemu: string;
  /** Of the directory that the SQLite store is measured in. */
  readonly fileSystem: string;
  readonly source: string;
}

/** Magic numbers of file systems (statfs(2)). */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x01021994: 'tmpfs',
  0x794c7630: 'overlay',
  0x2fc12fc1: 'zfs',
};

/** Name of the file system that a path is on. */
export function fileSystemOf(path: string): string {
  const { type } = statfsSync(path);
  return fileSystems[type] ?? `0x${type.toString(16)}`;
}

/** First line that a command prints, or why there is none. */
function firstLine(argv: readonly string[], cwd?: string): string {
  const [file = '', ...rest] = argv;
  try {
    return (
      execFileSync(file, rest, { encoding: 'utf8', cwd, stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? ''
    );
  } catch {
    return 'not known';
  }
}

export async function conditionsAt(storeDirectory: string): Promise<Conditions> {
  const facts = await linuxMachine.facts();
  const load = await linuxMachine.load();
  return {
    date: new Date().toISOString(),
    cpu: facts.cpuModel,
    cores: facts.cpus,
    memoryMiB: facts.memoryMiB,
    memoryAvailableMiB: load.memoryAvailableMiB,
    load1: load.load1,
    os: facts.os,
    kernel: facts.kernel,
    node: process.version,
    libvirt: firstLine(['/usr/sbin/libvirtd', '--version']),
    qemu: firstLine(['/usr/bin/qemu-system-x86_64', '--version']),
    fileSystem: `${fileSystemOf(storeDirectory)} (${storeDirectory})`,
    source: firstLine(['git', 'describe', '--always', '--dirty', '--exclude=*'], import.meta.dirname),
  };
}

/** The conditions as lines for people. */
export function conditionLines(at: Conditions): string {
  return [
    `${at.date}, source ${at.source}`,
    `${at.cores} x ${at.cpu}; ${at.memoryMiB} MiB of memory, ${at.memoryAvailableMiB} MiB available; load ${at.load1.toFixed(1)}`,
    `${at.os}, kernel ${at.kernel}, Node ${at.node}, ${at.libvirt}, ${at.qemu}`,
    `stores in ${at.fileSystem}`,
  ].join('\n');
}
