/** What may be done to an image only while nobody has it open. @module */
import type { CephCommand } from '../command/ceph-command.ts';
import { watchersOf } from './image.ts';
import { snapshotsOf } from './snapshot-image.ts';
import { volumeError } from './volume-kind.ts';

/** @param what for the message: `going back` @throws PvcError VOLUME_IN_USE with the address of everybody who has it open */
export async function needClosed(ceph: CephCommand, image: string, what: string): Promise<void> {
  const watchers = await watchersOf(ceph, image);
  if (watchers.length === 0) return;
  const users = watchers.map(({ address }) => address).join(', ');
  throw volumeError('VOLUME_IN_USE', { volume: image, users, what });
}

/** That an image can be made what it was. @throws PvcError VOLUME_LOST, SNAPSHOT_NOT_FOUND, VOLUME_IN_USE */
export async function needRollBack(ceph: CephCommand, image: string, snapshot: string): Promise<void> {
  const snapshots = await snapshotsOf(ceph, image);
  if (snapshots === undefined) throw volumeError('VOLUME_LOST', { volume: image });
  if (!snapshots.some(({ name }) => name === snapshot))
    throw volumeError('SNAPSHOT_NOT_FOUND', { volume: image, snapshot });
  await needClosed(ceph, image, 'going back');
}
