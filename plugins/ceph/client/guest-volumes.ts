/** The volumes of the cluster as snapshots of whole guests need them. @module */
import type { Runtime } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { watchersOf } from '../volume/image.ts';
import { makeSnapshot, removeSnapshot, rollBack, snapshotsOf } from '../volume/snapshot-image.ts';
import { volumeError, volume as volumeKind } from '../volume/volume-kind.ts';

/** Emptying a snapshot takes as long as the disks take; the task that waits for it has its own end. */
const longTimeoutMs = 24 * 3_600_000;

export const guestVolumes = ({ documents }: Pick<Runtime, 'documents'>, ceph: CephCommand) => ({
  async has(volume: string): Promise<boolean> {
    return (await documents.find(volumeKind, 'name', volume)) !== undefined;
  },
  async snapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await makeSnapshot(ceph, volume, snapshot, { signal });
  },
  /** @throws PvcError VOLUME_LOST, SNAPSHOT_NOT_FOUND, VOLUME_IN_USE */
  async needRollBack(volume: string, snapshot: string): Promise<void> {
    const snapshots = await snapshotsOf(ceph, volume);
    if (snapshots === undefined) throw volumeError('VOLUME_LOST', { volume });
    if (!snapshots.some(({ name }) => name === snapshot)) throw volumeError('SNAPSHOT_NOT_FOUND', { volume, snapshot });
    const watchers = await watchersOf(ceph, volume);
    if (watchers.length > 0)
      throw volumeError('VOLUME_IN_USE', {
        volume,
        users: watchers.map(({ address }) => address).join(', '),
        what: 'going back',
      });
  },
  async rollBack(volume: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await rollBack(ceph, volume, snapshot, { timeoutMs: longTimeoutMs, signal });
  },
  async removeSnapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void> {
    await removeSnapshot(ceph, volume, snapshot, { timeoutMs: longTimeoutMs, signal });
  },
});
