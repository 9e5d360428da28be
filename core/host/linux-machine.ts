/** What this machine is and how busy it is, from /proc and os-release(5). @module */

import { readFile } from 'node:fs/promises';
import { arch, cpus, hostname, loadavg, release, uptime } from 'node:os';
import type { Machine } from './host.ts';
import { fileError } from './system-error.ts';

async function readSystemFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw fileError('read', path, error);
  }
}

/** A line of /proc/meminfo in MiB; proc(5) gives kB, which are KiB. */
export function memoryMiB(meminfo: string, name: 'MemTotal' | 'MemAvailable'): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo);
  if (found === null) throw new Error(`/proc/meminfo has no ${name}`);
  return Math.floor(Number(found[1]) / 1024);
}

/** PRETTY_NAME of os-release(5), which may stand in either kind of quotes or in none. */
export function prettyName(osRelease: string): string {
  const found = /^PRETTY_NAME=(["']?)(.*)\1$/m.exec(osRelease);
  return found?.[2] ?? 'Linux';
}

/** This machine. Nothing is cached: a host name may change, and the rest is cheap. */
export const linuxMachine: Machine = {
  async facts() {
    const [meminfo, osRelease, bootId] = await Promise.all([
      readSystemFile('/proc/meminfo'),
      readFile('/etc/os-release', 'utf8').catch(() => ''), // optional by os-release(5)
      readSystemFile('/proc/sys/kernel/random/boot_id'),
    ]);
    const processors = cpus();
    return {
      hostname: hostname(),
      cpus: processors.length,
      cpuModel: processors[0]?.model.trim() ?? 'unknown',
      memoryMiB: memoryMiB(meminfo, 'MemTotal'),
      kernel: release(),
      os: prettyName(osRelease),
      arch: arch(),
      bootId: bootId.trim(),
    };
  },
  async load() {
    const meminfo = await readSystemFile('/proc/meminfo');
    return {
      memoryAvailableMiB: memoryMiB(meminfo, 'MemAvailable'),
      load1: loadavg()[0] ?? 0,
      uptimeS: uptime(),
    };
  },
};
