/** What may be done to an image only while nobody has it open. @module */
import type { Clock } from '../../../core/plugin/api.ts';
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

/** What has died is forgotten by Ceph after 30 s, what is about to end closes the image by itself. */
const closesWithinMs = 45_000;
const lookMs = 500;

/** Waits until nobody has an image open that nobody is meant to have. @throws PvcError VOLUME_IN_USE */
export async function whenClosed(
  clock: Clock,
  ceph: CephCommand,
  image: string,
  what: string,
  signal?: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonicMs() + closesWithinMs;
  while (clock.monotonicMs() < untilMs && (await watchersOf(ceph, image)).length > 0) await clock.sleep(lookMs, signal);
  await needClosed(ceph, image, what);
}

/** That an image can be made what it was. @throws PvcError VOLUME_LOST, SNAPSHOT_NOT_FOUND, VOLUME_IN_USE */
export async function needRollBack(ceph: CephCommand, image: string, snapshot: string): Promise<void> {
  const snapshots = await snapshotsOf(ceph, image);
  if (snapshots === undefined) throw volumeError('VOLUME_LOST', { volume: image });
  if (!snapshots.some(({ name }) => name === snapshot))
    throw volumeError('SNAPSHOT_NOT_FOUND', { volume: image, snapshot });
  await needClosed(ceph, image, 'going back');
}
