/**
 * An OSD with BlueStore directly on a device or in a file: what `ceph-volume raw` makes, with a directory that outlives a
 * restart of the machine. Each step may be done again.
 * @module
 */
import { type Host, z } from '../../../core/plugin/api.ts';
import { cephDirectory, cephFile, giveToCeph, osdData } from '../cluster/ceph-files.ts';
import { keyring } from '../cluster/conf.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { parseRawList, rawListCommand } from '../device/volume-list.ts';
import { type Backing, osdError } from './osd-kind.ts';

export interface PlainOsd {
  readonly id: number;
  readonly uuid: string;
  readonly backing: Backing;
}

/** `ceph-bluestore-tool show-label`: by path, what was written at the beginning of a device. */
const labels = z.record(
  z.string(),
  z.looseObject({
    osd_uuid: z.string(),
    whoami: z.string().optional(),
    ceph_fsid: z.string().optional(),
    ready: z.string().optional(),
  }),
);
export interface Label {
  readonly uuid: string;
  readonly id: number | undefined;
  readonly fsid: string | undefined;
  /** `ceph-osd --mkfs` came to its end. */
  readonly ready: boolean;
}

/** Whose BlueStore is on a device; undefined: nobody's. */
export async function readLabel(ceph: CephCommand, path: string): Promise<Label | undefined> {
  const result = await ceph.attempt(['ceph-bluestore-tool', 'show-label', '--dev', path]);
  if (result.code !== 0) return undefined;
  const label = Object.values(labels.parse(JSON.parse(result.stdout)))[0];
  if (label === undefined) return undefined;
  return {
    uuid: label.osd_uuid,
    id: label.whoami === undefined ? undefined : Number(label.whoami),
    fsid: label.ceph_fsid,
    ready: label.ready === 'ready',
  };
}

/** Where the device of an OSD is now, by what is written on it; undefined: nowhere. */
export async function rawPath(
  ceph: CephCommand,
  { uuid, path }: { readonly uuid: string; readonly path: string },
): Promise<string | undefined> {
  if ((await readLabel(ceph, path))?.uuid === uuid) return path;
  const listed = parseRawList(
    await ceph.run('the list of stored OSDs', [...rawListCommand] as [string, ...string[]], { timeoutMs: 60_000 }),
  );
  return listed.find(({ fsid }) => fsid === uuid)?.data.path;
}

/** Makes the file of an OSD that keeps its data in one; one that is there already stays. Sparse: it takes what is written. */
export async function makeFile(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  path: string,
  bytes: number,
): Promise<void> {
  if (((await host.files.stat(path))?.size ?? 0) === 0)
    await ceph.run(`the file ${path}`, ['truncate', '--size', String(bytes), path]);
  await giveToCeph(ceph, path);
}

/** Everything that the daemon needs to start: its directory, its key, its device. */
export async function makeOsd(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  { id, uuid, backing }: PlainOsd,
): Promise<void> {
  const directory = osdData(id);
  await prepareDirectory(host, ceph, { id, uuid, backing });
  // Written by `ceph-osd --mkfs` at its very end.
  if ((await host.files.stat(`${directory}/ready`)) !== undefined) return;
  await ceph.run(
    `the making of osd.${id}`,
    [
      ...['ceph-osd', '--cluster', 'ceph', '--mkfs', '--id', String(id), '--osd-uuid', uuid],
      ...['--setuser', 'ceph', '--setgroup', 'ceph'],
    ] as [string, ...string[]],
    { timeoutMs: 300_000 },
  );
}

/** The directory and the ownership of the device, which a reboot of the machine takes back. */
export async function prepareDirectory(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  { id, backing }: PlainOsd,
  path = backing.path,
): Promise<void> {
  const directory = osdData(id);
  await cephDirectory(ceph, directory);
  if ((await host.files.stat(`${directory}/keyring`)) === undefined) await writeKey(host, ceph, id);
  if ((await host.files.stat(`${directory}/type`)) === undefined)
    await cephFile(host, ceph, `${directory}/type`, 'bluestore\n');
  await ceph.run('the device of the OSD', ['ln', '-sfn', path, `${directory}/block`]);
  await giveToCeph(ceph, path);
}

/**
 * The same for an OSD that was made before: its device may have another path by now.
 * @throws PvcError OSD_DISK_GONE
 */
export async function prepareKnown(host: Pick<Host, 'files'>, ceph: CephCommand, osd: PlainOsd): Promise<void> {
  const path = osd.backing.type === 'file' ? osd.backing.path : await rawPath(ceph, { ...osd, path: osd.backing.path });
  if (path === undefined) throw osdError('OSD_DISK_GONE', { osd: osd.id, device: osd.backing.path });
  const directory = osdData(osd.id);
  // A node that was installed anew has no directory: all that belongs there is in the label of the device, too.
  if ((await host.files.stat(`${directory}/whoami`)) === undefined) {
    await cephDirectory(ceph, directory);
    await ceph.run(`the directory of osd.${osd.id}`, [
      ...(['ceph-bluestore-tool', 'prime-osd-dir', '--path', directory, '--no-mon-config', '--dev', path] as const),
    ]);
    await ceph.run(`the owner of ${directory}`, ['chown', '--recursive', 'ceph:ceph', directory]);
  }
  await prepareDirectory(host, ceph, osd, path);
}

const osdCaps = ['mon', 'allow profile osd', 'mgr', 'allow profile osd', 'osd', 'allow *'];

async function writeKey(host: Pick<Host, 'files'>, ceph: CephCommand, id: number): Promise<void> {
  const entity = `osd.${id}`;
  const { key } = (
    await ceph.ask(z.array(z.looseObject({ key: z.string() })).min(1), ['auth', 'get-or-create', entity, ...osdCaps])
  )[0] as { key: string };
  await cephFile(host, ceph, `${osdData(id)}/keyring`, keyring([{ entity, key }]));
}
