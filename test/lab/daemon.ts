/**
 * Does for `pvc daemon` in a node what systemd does on a real one: starts it with a clean environment,
 * starts it again 1 s after it ended (Restart=always), stops it on request.
 * @module
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { becomesTrue } from './becomes-true.ts';
import { execOn, pathOn } from './exec.ts';
import type { LabRecord } from './state.ts';
import { LabError } from './topology.ts';

/** In the node: what the daemon printed, as the journal would have it. */
export const daemonLog = '/var/log/lab/pvcd.log';

const loopPid = '/run/lab/pvcd-loop.pid';
const daemonPid = '/run/lab/pvcd.pid';
const stopMark = '/run/lab/pvcd.stop';

/** systemd's default TimeoutStopSec is 90 s; a daemon that takes longer than this one is at fault. */
const stopTimeoutMs = 30_000;

const loop = `
echo $$ >${loopPid}
while [ ! -e ${stopMark} ]; do
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 pvc daemon </dev/null >>${daemonLog} 2>&1 &
  echo $! >${daemonPid}
  code=0
  wait $! || code=$?
  rm -f ${daemonPid}
  echo "lab: pvc daemon ended with code $code" >>${daemonLog}
  [ -e ${stopMark} ] || sleep 1
done
rm -f ${loopPid}
`;

/** Pid of the daemon inside the node, undefined while it does not run. @throws LabError when the node is off */
export async function daemonProcess(record: LabRecord, member: string): Promise<number | undefined> {
  const file = await pathOn(record, member, daemonPid);
  return existsSync(file) ? Number(await readFile(file, 'utf8')) : undefined;
}

/** Starts the daemon and its supervision; running already is fine. @throws LabError, CommandFailed */
export async function startDaemon(record: LabRecord, member: string): Promise<void> {
  if (existsSync(await pathOn(record, member, loopPid))) return;
  await execOn(record, member, ['rm', '-f', stopMark]);
  await execOn(record, member, ['setsid', '--fork', 'sh', '-c', `exec </dev/null >/dev/null 2>&1; ${loop}`]);
  const pidFile = await pathOn(record, member, daemonPid);
  if (!(await becomesTrue(() => existsSync(pidFile), 5_000)))
    throw new LabError(`the supervision of the daemon on ${member} did not start`);
}

/** SIGTERM, and SIGKILL to one that does not go; not running is fine. @throws LabError, CommandFailed */
export async function stopDaemon(record: LabRecord, member: string): Promise<void> {
  const loopFile = await pathOn(record, member, loopPid);
  if (!existsSync(loopFile)) return;
  await execOn(record, member, ['touch', stopMark]);
  await signalDaemon(record, member, 'TERM');
  if (await becomesTrue(() => !existsSync(loopFile), stopTimeoutMs)) return;
  await signalDaemon(record, member, 'KILL');
  throw new LabError(`the daemon on ${member} did not end ${stopTimeoutMs / 1000} s after SIGTERM and was killed`);
}

/** SIGKILL: the supervision brings it back, as after a crash. @throws LabError when it does not run */
export async function killDaemon(record: LabRecord, member: string): Promise<void> {
  if (!(await signalDaemon(record, member, 'KILL'))) throw new LabError(`the daemon on ${member} does not run`);
}

/** SIGSTOP: the daemon stands still, as a process does that its machine gives no time; or goes on. @throws LabError when it does not run */
export async function holdDaemon(record: LabRecord, member: string, hold: boolean): Promise<void> {
  if (!(await signalDaemon(record, member, hold ? 'STOP' : 'CONT')))
    throw new LabError(`the daemon on ${member} does not run`);
}

/** False when there is no daemon to signal. */
async function signalDaemon(
  record: LabRecord,
  member: string,
  signal: 'TERM' | 'KILL' | 'STOP' | 'CONT',
): Promise<boolean> {
  const pid = await daemonProcess(record, member);
  if (pid === undefined) return false;
  const { code } = await execOn(record, member, ['kill', `-${signal}`, String(pid)], { accept: 'any' });
  return code === 0;
}
