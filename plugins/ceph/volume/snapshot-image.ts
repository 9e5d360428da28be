/** Snapshots of RBD images, by the command `rbd`. Every act may be done again. @module */
import { z } from '../../../core/plugin/api.ts';
import { absentCode, type CallOptions, type CephCommand } from '../command/ceph-command.ts';

/** EEXIST of rbd. */
const existsCode = 17;

const list = z.array(
  z.looseObject({
    name: z.string(),
    size: z.int(),
    /** Words in Ceph 16, in later ones a truth value. */
    protected: z.union([z.boolean(), z.enum(['true', 'false'])]),
    timestamp: z.string(),
  }),
);

export interface ImageSnapshot {
  readonly name: string;
  readonly sizeBytes: number;
  readonly protected: boolean;
  /** Wall clock of the cluster; null when Ceph's text cannot be read. */
  readonly createdMs: number | null;
}

/** Ceph's tools print the time of the machine that asks (utime_t::localtime). */
function timeOf(text: string): number | null {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** Oldest first; undefined: there is no such image. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function snapshotsOf(ceph: CephCommand, image: string): Promise<ImageSnapshot[] | undefined> {
  const found = await ceph.askRbdOrAbsent(list, ['snap', 'ls', image]);
  return found?.map((one) => ({
    name: one.name,
    sizeBytes: one.size,
    protected: one.protected === true || one.protected === 'true',
    createdMs: timeOf(one.timestamp),
  }));
}

async function find(ceph: CephCommand, image: string, name: string): Promise<ImageSnapshot | undefined> {
  return (await snapshotsOf(ceph, image))?.find((one) => one.name === name);
}

export async function makeSnapshot(
  ceph: CephCommand,
  image: string,
  name: string,
  options: CallOptions = {},
): Promise<void> {
  await ceph.rbd(`the snapshot ${image}@${name}`, ['snap', 'create', '--no-progress', `${image}@${name}`], {
    ...options,
    // It is there already.
    fine: [existsCode],
  });
}

/** Clones of it go on: what they read is kept until the last of them is gone. */
export async function removeSnapshot(
  ceph: CephCommand,
  image: string,
  name: string,
  options: CallOptions = {},
): Promise<void> {
  await ceph.rbd(`the removal of ${image}@${name}`, ['snap', 'remove', '--no-progress', `${image}@${name}`], {
    ...options,
    fine: [absentCode],
  });
}

/** Makes the image what it was: all that was written since is lost. */
export async function rollBack(ceph: CephCommand, image: string, name: string, options: CallOptions): Promise<void> {
  await ceph.rbd(`the return to ${image}@${name}`, ['snap', 'rollback', `${image}@${name}`], options);
}

export async function renameSnapshot(ceph: CephCommand, image: string, from: string, to: string): Promise<void> {
  if ((await find(ceph, image, from)) === undefined && (await find(ceph, image, to)) !== undefined) return;
  await ceph.rbd(`the new name ${image}@${to}`, ['snap', 'rename', `${image}@${from}`, `${image}@${to}`]);
}

export async function protectSnapshot(ceph: CephCommand, image: string, name: string, wanted: boolean): Promise<void> {
  if ((await find(ceph, image, name))?.protected === wanted) return;
  await ceph.rbd(`the protection of ${image}@${name}`, [
    ...['snap', wanted ? 'protect' : 'unprotect', `${image}@${name}`],
  ]);
}
