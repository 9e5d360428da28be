/**
 * Power of a node as its owner sees it: off is a cut, on is a boot after which the daemon runs, because
 * its unit is enabled.
 * @module
 */
import { startDaemon } from './daemon.ts';
import { powerOff, powerOn } from './node-namespace.ts';
import { type LabRecord, readCluster } from './state.ts';
import { nodeOf } from './topology.ts';

/** @throws LabError, CommandFailed */
export async function switchPower(record: LabRecord, member: string, state: 'off' | 'on'): Promise<void> {
  const node = nodeOf(record.topology, member);
  const lab = record.topology.name;
  if (state === 'off') return powerOff(lab, node);
  await powerOn(record, node);
  // The unit is enabled when the cluster has been made.
  if ((await readCluster(lab)) !== undefined) await startDaemon(record, member);
}
