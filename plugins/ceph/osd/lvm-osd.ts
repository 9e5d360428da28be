/**
 * OSDs on logical volumes, as `ceph-volume lvm` makes and finds them. PVC divides the device itself: so each volume has
 * the name of its OSD before anything is made, and what a killed `ceph-volume` left half done is known as ours.
 * @module
 */
import { type Host, z } from '../../../core/plugin/api.ts';
import { cephDirectory, cephFile, dataRoot, osdData } from '../cluster/ceph-files.ts';
import { keyring } from '../cluster/conf.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import {
  lvsCommand,
  parseVolumeGroups,
  parseVolumes,
  pvsCommand,
  type VolumeGroup,
  vgsCommand,
} from '../device/volume-groups.ts';
import { lvmListCommand, parseLvmList, type StoredOsd } from '../device/volume-list.ts';
import { readLabel } from './plain-osd.ts';

const lvmMs = 60_000;
/** On a disk of 4 TB that turns, BlueStore's beginnings take a minute. */
const prepareMs = 900_000;

/** The volume group on a device is called after the first OSD in it. */
export const groupOf = (uuids: readonly string[]): string => `ceph-${uuids[0] ?? ''}`;
export const dataVolume = (uuids: readonly string[], uuid: string): string => `${groupOf(uuids)}/osd-block-${uuid}`;
export const databaseVolume = (group: string, uuid: string): string => `${group}/osd-db-${uuid}`;

const lvm = (ceph: CephCommand, what: string, argv: readonly string[]): Promise<string> =>
  ceph.run(what, argv as [string, ...string[]], { timeoutMs: lvmMs });

const volumes = async (ceph: CephCommand): Promise<readonly string[]> =>
  parseVolumes(await lvm(ceph, 'the list of logical volumes', lvsCommand));

const groups = async (ceph: CephCommand): Promise<readonly VolumeGroup[]> => {
  const vgs = await lvm(ceph, 'the list of volume groups', vgsCommand);
  return parseVolumeGroups(vgs, await lvm(ceph, 'the list of physical volumes', pvsCommand));
};

export const lvmOsds = async (ceph: CephCommand): Promise<readonly StoredOsd[]> =>
  parseLvmList(await lvm(ceph, 'the list of stored OSDs', lvmListCommand));

export async function makeGroup(ceph: CephCommand, group: string, device: string): Promise<void> {
  await lvm(ceph, `the volume group on ${device}`, ['vgcreate', '--yes', group, device]);
}

/** Makes the volumes of a device that are missing, of equal size. @throws PvcError CEPH_REFUSED, CEPH_STRANGE */
export async function divide(ceph: CephCommand, device: string, uuids: readonly string[]): Promise<void> {
  const group = groupOf(uuids);
  if (!(await groups(ceph)).some(({ name }) => name === group)) await makeGroup(ceph, group, device);
  const there = await volumes(ceph);
  const missing = uuids.filter((uuid) => !there.includes(dataVolume(uuids, uuid)));
  for (const [made, uuid] of missing.entries()) {
    const share = `${Math.floor(100 / (missing.length - made))}%FREE`;
    await lvm(ceph, `a volume on ${device}`, [
      ...['lvcreate', '--yes', '--wipesignatures', 'y', '--extents', share],
      ...['--name', `osd-block-${uuid}`, group],
    ]);
  }
}

/** The volume for a database, if it is not there yet. @param bytes rounded up by LVM to its own unit */
export async function makeDatabaseVolume(ceph: CephCommand, volume: string, bytes: number): Promise<void> {
  if ((await volumes(ceph)).includes(volume)) return;
  const [group = '', name = ''] = volume.split('/');
  await lvm(ceph, `a volume for a database in ${group}`, [
    ...['lvcreate', '--yes', '--wipesignatures', 'y', '--size', `${bytes}b`, '--name', name, group],
  ]);
}

/** The key by which `ceph-volume` asks for numbers. */
async function bootstrapKey(host: Pick<Host, 'files'>, ceph: CephCommand): Promise<void> {
  const directory = `${dataRoot}/bootstrap-osd`;
  const path = `${directory}/ceph.keyring`;
  const entity = 'client.bootstrap-osd';
  const [answer] = await ceph.ask(z.array(z.looseObject({ key: z.string() })).min(1), [
    ...['auth', 'get-or-create', entity, 'mon', 'allow profile bootstrap-osd'],
  ]);
  const text = keyring([{ entity, key: answer?.key ?? '' }]);
  if ((await host.files.readText(path)) === text) return;
  await cephDirectory(ceph, directory);
  await cephFile(host, ceph, path, text);
}

export interface LvmWish {
  readonly uuid: string;
  /** `GROUP/NAME` */
  readonly volume: string;
  readonly db?: string | undefined;
  /** A number that Ceph holds ready for it. */
  readonly id?: number | undefined;
  readonly class?: string | undefined;
}

/** One that is whole: success of `ceph-volume` is no proof, nor is its list. */
export async function wholeOsd(ceph: CephCommand, uuid: string): Promise<StoredOsd | undefined> {
  const stored = (await lvmOsds(ceph)).find(({ fsid }) => fsid === uuid);
  if (stored === undefined) return undefined;
  return (await readLabel(ceph, stored.data.path))?.ready === true ? stored : undefined;
}

/** Makes the OSD in its volume, which is there and empty. Its number. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function prepareLvm(host: Pick<Host, 'files'>, ceph: CephCommand, wish: LvmWish): Promise<number> {
  await bootstrapKey(host, ceph);
  await ceph.run(
    `the making of an OSD in ${wish.volume}`,
    [
      ...(['ceph-volume', 'lvm', 'prepare', '--bluestore', '--data', wish.volume, '--osd-fsid', wish.uuid] as const),
      ...(wish.id === undefined ? [] : ['--osd-id', String(wish.id)]),
      ...(wish.class === undefined ? [] : ['--crush-device-class', wish.class]),
      ...(wish.db === undefined ? [] : ['--block.db', wish.db]),
    ],
    { timeoutMs: prepareMs },
  );
  const made = await wholeOsd(ceph, wish.uuid);
  if (made === undefined)
    throw cephError('CEPH_STRANGE', { what: 'ceph-volume lvm prepare', reason: 'it told success and made no OSD' });
  return Number(made.id);
}

/** Gives the daemon its directory, which a reboot takes away. @throws PvcError CEPH_REFUSED: its disk is not there */
export async function activateLvm(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  { id, uuid }: { readonly id: number; readonly uuid: string },
): Promise<void> {
  if ((await host.files.readText(`${osdData(id)}/fsid`))?.trim() === uuid) return;
  await ceph.run(
    `the start of osd.${id} from its disk`,
    ['ceph-volume', 'lvm', 'activate', '--bluestore', '--no-systemd', String(id), uuid],
    { timeoutMs: 120_000 },
  );
}

/** Takes away all that lies on the node's disks of it: data, database, mounted directory. Nothing left is fine. */
export async function wipeLvm(ceph: CephCommand, uuid: string, expected: readonly string[]): Promise<void> {
  const stored = (await lvmOsds(ceph)).find(({ fsid }) => fsid === uuid);
  const nameOf = (path: string | undefined): string | undefined => path?.replace(/^\/dev\//, '');
  const data = nameOf(stored?.data.path);
  // Of the volume only: zapping by the OSD's number would take the whole group of its database, too.
  if (data !== undefined)
    await ceph.run(`the emptying of ${data}`, ['ceph-volume', 'lvm', 'zap', '--destroy', data], { timeoutMs: 300_000 });
  const there = await volumes(ceph);
  const rest = [...expected, nameOf(stored?.db?.path), nameOf(stored?.wal?.path)];
  for (const volume of new Set(rest))
    if (volume !== undefined && there.includes(volume))
      await lvm(ceph, `the end of ${volume}`, ['lvremove', '--yes', volume]);
}

/** Takes the volume group off a device, if no volume is left in it. @throws PvcError CEPH_REFUSED */
export async function dropEmptyGroup(ceph: CephCommand, group: string): Promise<void> {
  const found = (await groups(ceph)).find(({ name }) => name === group);
  if (found === undefined || found.volumes > 0) return;
  await lvm(ceph, `the end of ${group}`, ['vgremove', '--yes', group]);
  for (const device of found.devices) await lvm(ceph, `the end of ${group}`, ['pvremove', '--yes', device]);
}
