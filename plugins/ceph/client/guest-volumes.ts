/** The volumes of the cluster as snapshots of whole guests need them. @module */
import type { Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needRollBack } from '../volume/closed.ts';
import { makeSnapshot, removeSnapshot, rollBack } from '../volume/snapshot-image.ts';
import { volume as volumeKind } from '../volume/volume-kind.ts';
import { guestCopies } from './guest-copies.ts';
import { guestRemoval } from './guest-removal.ts';

/** Emptying a snapshot takes as long as the disks take; the task that waits for it has its own end. */
const longTimeoutMs = 24 * 3_600_000;

export const guestVolumes = (runtime: Pick<Runtime, 'documents' | 'host' | 'node' | 'write'>, ceph: CephCommand) => ({
  ...guestCopies(runtime, ceph),
  ...guestRemoval(runtime, ceph),
  async has(volume: string): Promise<boolean> {
    return (await runtime.documents.find(volumeKind, 'name', volume)) !== undefined;
  },
  async snapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await makeSnapshot(ceph, volume, snapshot, { signal });
  },
  needRollBack(volume: string, snapshot: string): Promise<void> {
    return needRollBack(ceph, volume, snapshot);
  },
  async rollBack(volume: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await rollBack(ceph, volume, snapshot, { timeoutMs: longTimeoutMs, signal });
  },
  async removeSnapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await removeSnapshot(ceph, volume, snapshot, { timeoutMs: longTimeoutMs, signal });
  },
});
