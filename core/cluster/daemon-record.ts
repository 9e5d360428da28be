/** Who is the daemon of this machine: its pid and start time in a file, so that there is one. @module */
import { z } from 'zod';
import type { Host } from '../host/host.ts';
import { clusterError } from '../model/cluster-kind.ts';

const record = z.object({ pid: z.int(), startTicks: z.int() });

const path = (runDirectory: string): string => `${runDirectory}/daemon.json`;

/** Pid of a daemon that runs now. */
export async function runningDaemon(
  host: Pick<Host, 'files' | 'processes'>,
  runDirectory: string,
): Promise<number | undefined> {
  const text = await host.files.readText(path(runDirectory));
  if (text === undefined) return undefined;
  let parsed: z.infer<typeof record>;
  try {
    parsed = record.parse(JSON.parse(text));
  } catch {
    // Written by a daemon that lost power half-way; nobody can be running from it.
    return undefined;
  }
  return (await host.processes.alive(parsed.pid, parsed.startTicks)) ? parsed.pid : undefined;
}

/** @throws PvcError DAEMON_RUNNING */
export async function claimDaemon(
  host: Pick<Host, 'files' | 'processes'>,
  runDirectory: string,
  pid: number,
): Promise<void> {
  const other = await runningDaemon(host, runDirectory);
  if (other !== undefined && other !== pid) throw clusterError('DAEMON_RUNNING', { pid: other });
  await host.files.makeDirectory(runDirectory, 0o755);
  await host.files.writeAtomic(
    path(runDirectory),
    JSON.stringify({ pid, startTicks: await host.processes.startTicks(pid) }),
    0o644,
  );
}
