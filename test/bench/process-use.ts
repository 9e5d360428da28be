/** What a process holds and has used, as proc(5) tells. Pure. @module */

export interface ProcessUse {
  readonly rssMiB: number;
  /** Of it, what no file stands behind: heap, stacks. */
  readonly anonymousMiB: number;
  readonly cpuMs: number;
  /** Used by those that it has started and that have ended. */
  readonly startedCpuMs: number;
}

/** The clock ticks of proc(5) in milliseconds: sysconf(_SC_CLK_TCK) is 100 on every Linux that PVC runs on. */
const tickMs = 10;

/** @param status text of /proc/PID/status @param stat text of /proc/PID/stat */
export function processUse(status: string, stat: string): ProcessUse {
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? Number.NaN);
  // The name of the program may hold blanks and brackets: the fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    rssMiB: kib('VmRSS') / 1024,
    anonymousMiB: kib('RssAnon') / 1024,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
    startedCpuMs: (Number(fields[13]) + Number(fields[14])) * tickMs,
  };
}

/** Of a daemon and the launcher that starts its commands. */
export const together = (daemon: ProcessUse, launcher: ProcessUse): ProcessUse => ({
  rssMiB: daemon.rssMiB + launcher.rssMiB,
  anonymousMiB: daemon.anonymousMiB + launcher.anonymousMiB,
  cpuMs: daemon.cpuMs + launcher.cpuMs,
  startedCpuMs: daemon.startedCpuMs + launcher.startedCpuMs,
});
