/** Where the time of the cores goes. @module */

export interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

/** From /proc/stat, proc(5), in ticks. Pure. @throws Error when it is no such text */
export function cpuTime(text: string): CpuTime {
  const fields = /^cpu +(\d+(?: \d+)+)/m.exec(text)?.[1]?.split(' ').map(Number) ?? [];
  // user, nice, system, idle, iowait, irq, softirq, steal; what guests take is in user and nice already.
  const counted = fields.slice(0, 8);
  const [, , , idle, iowait] = counted;
  if (idle === undefined || iowait === undefined)
    throw new Error('/proc/stat does not begin with the time of all cores');
  const total = counted.reduce((sum, value) => sum + value, 0);
  return { busy: total - idle - iowait, total };
}

/** Of all cores between two looks, 0 to 1. */
export const busyShare = (from: CpuTime, to: CpuTime): number =>
  to.total === from.total ? 0 : (to.busy - from.busy) / (to.total - from.total);

/**
 * Runs a command and adds a last line to standard error: seconds of CPU time that it took with all its threads and
 * children. fio itself counts only its own thread, and not those of librbd, which do the work. Python is there wherever
 * Ceph's commands are.
 */
const measuring = [
  'import resource, subprocess, sys',
  'code = subprocess.call(sys.argv[1:])',
  'used = resource.getrusage(resource.RUSAGE_CHILDREN)',
  'print("cpu-seconds", used.ru_utime + used.ru_stime, file=sys.stderr)',
  'sys.exit(code if code >= 0 else 128 - code)',
].join('\n');

export const measured = (argv: readonly string[]): [string, ...string[]] => ['python3', '-c', measuring, ...argv];

/** What `measured` added; undefined when the command never began. Pure. */
export function cpuSeconds(stderr: string): number | undefined {
  const found = /^cpu-seconds (\d+(?:\.\d+)?(?:e-\d+)?)$/m.exec(stderr)?.[1];
  return found === undefined ? undefined : Number(found);
}
