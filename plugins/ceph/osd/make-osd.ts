/** Makes the OSDs of one device, whatever they lie on. What an earlier try left half done is ours, and begun anew. @module */
import { type Host, names, z } from '../../../core/plugin/api.ts';
import { runDirectory } from '../cluster/ceph-files.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import { lsblkCommand, parseDevices } from '../device/devices.ts';
import {
  databaseVolume,
  dataVolume,
  divide,
  dropEmptyGroup,
  groupOf,
  makeDatabaseVolume,
  prepareLvm,
  wholeOsd,
  wipeLvm,
} from './lvm-osd.ts';
import { type Backing, backing, deviceClass } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';
import { makeFile, makeOsd } from './plain-osd.ts';
import { sameDevice } from './same-device.ts';
import { wipeData } from './wipe.ts';

/** What is to be made of a device. */
export const makeWish = z.strictObject({
  /** One for each OSD on it. */
  uuids: z.array(names.uuid).min(1).max(16),
  backing,
  /** Of a file. */
  sizeBytes: z.int().optional(),
  /** Where databases lie, and how large each is. */
  databases: z.strictObject({ group: z.string(), sizeBytes: z.int() }).optional(),
  class: deviceClass.optional(),
});
export type MakeWish = z.infer<typeof makeWish>;

/** What the document of one of them says. */
export function backingOf({ backing: device, databases }: MakeWish, uuid: string): Backing {
  if (device.type !== 'lvm' || databases === undefined) return device;
  return { ...device, db: databaseVolume(databases.group, uuid) };
}

const expectedVolumes = ({ uuids, databases }: MakeWish, uuid: string): string[] => [
  dataVolume(uuids, uuid),
  ...(databases === undefined ? [] : [databaseVolume(databases.group, uuid)]),
];

/** Takes a number back that was given to something never finished. @param keep for the next that is made */
export async function giveBack(ceph: CephCommand, uuid: string, keep: boolean): Promise<void> {
  const entry = (await osdMap(ceph)).osds.find((one) => one.uuid === uuid);
  if (entry === undefined || (keep && entry.destroyed)) return;
  const verb = keep ? 'destroy' : 'purge';
  await ceph.ceph(`the end of osd.${entry.id}`, ['osd', verb, String(entry.id), '--yes-i-really-mean-it']);
}

/**
 * Makes one of them, and tells its number.
 * @param id a number that Ceph holds ready for it (`ceph osd destroy`)
 * @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE, DEVICE_NOT_FOUND
 */
export async function makeOne(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  wish: MakeWish,
  uuid: string,
  id?: number,
): Promise<number> {
  await runDirectory(ceph);
  if (wish.backing.type !== 'lvm') return makePlain(host, ceph, wish, uuid, id);
  const whole = await wholeOsd(ceph, uuid);
  if (whole !== undefined) return Number(whole.id);
  await wipeLvm(ceph, uuid, []);
  await giveBack(ceph, uuid, id !== undefined);
  await divide(ceph, await pathNow(ceph, wish.backing), wish.uuids);
  const db = wish.databases === undefined ? undefined : databaseVolume(wish.databases.group, uuid);
  if (db !== undefined) await makeDatabaseVolume(ceph, db, wish.databases?.sizeBytes ?? 0);
  return prepareLvm(host, ceph, { uuid, volume: dataVolume(wish.uuids, uuid), db, id, class: wish.class });
}

async function makePlain(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  wish: MakeWish,
  uuid: string,
  wanted: number | undefined,
): Promise<number> {
  // The same UUID gives the same number, however often it is asked.
  const args = ['osd', 'new', uuid, ...(wanted === undefined ? [] : [String(wanted)])];
  const id = Number((await ceph.ceph('a number for the OSD', args)).trim());
  if (!Number.isInteger(id)) throw cephError('CEPH_STRANGE', { what: 'ceph osd new', reason: 'it gave no number' });
  const { path } = wish.backing;
  if (wish.backing.type === 'file') {
    await makeFile(host, ceph, path, wish.sizeBytes ?? 0);
    await makeOsd(host, ceph, { id, uuid, backing: wish.backing });
  } else await makeOsd(host, ceph, { id, uuid, backing: { ...wish.backing, path: await pathNow(ceph, wish.backing) } });
  return id;
}

async function pathNow(ceph: CephCommand, device: Exclude<Backing, { type: 'file' }>): Promise<string> {
  return sameDevice(parseDevices(await ceph.run('the list of devices', [...lsblkCommand])), device).path;
}

/** Empties the device of all that was made of it, whole or not. */
export async function unmake(host: Pick<Host, 'files'>, ceph: CephCommand, wish: MakeWish): Promise<void> {
  if (wish.backing.type !== 'lvm') {
    for (const uuid of wish.uuids) await wipeData(host, ceph, { uuid, backing: wish.backing });
    return;
  }
  for (const uuid of wish.uuids) await wipeLvm(ceph, uuid, expectedVolumes(wish, uuid));
  await dropEmptyGroup(ceph, groupOf(wish.uuids));
}
