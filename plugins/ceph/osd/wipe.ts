/** What an OSD leaves on its node, taken away; its daemon has ended. Each may be done again. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { osdData } from '../cluster/ceph-files.ts';
import { type CephCommand, complaint } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';
import { wipeLvm } from './lvm-osd.ts';
import type { Backing } from './osd-kind.ts';
import { type PlainOsd, rawPath } from './plain-osd.ts';

/** Its data: a file is removed, a device is emptied, so that nobody takes it for an OSD again. */
export async function wipeData(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  { uuid, backing }: { readonly uuid: string; readonly backing: Backing },
): Promise<void> {
  if (backing.type === 'file') return host.files.remove(backing.path);
  if (backing.type === 'lvm') return wipeLvm(ceph, uuid, backing.db === undefined ? [] : [backing.db]);
  const path = await rawPath(ceph, { uuid, path: backing.path });
  // One that is not there any more, or was emptied before, holds nothing of ours.
  if (path === undefined) return;
  await ceph.run(`the emptying of ${path}`, ['ceph-volume', 'lvm', 'zap', '--destroy', path], { timeoutMs: 120_000 });
}

/** The directory of the daemon; that of an OSD on a logical volume is in memory. */
export async function dropDirectory(host: Pick<Host, 'files'>, ceph: CephCommand, id: number): Promise<void> {
  const directory = osdData(id);
  const mounts = (await host.files.readText('/proc/self/mounts')) ?? '';
  if (mounts.split('\n').some((line) => line.split(' ')[1] === directory)) {
    const result = await ceph.attempt(['umount', directory]);
    if (result.code !== 0)
      throw cephError('CEPH_REFUSED', { what: `the end of ${directory}`, reason: complaint(result) });
  }
  await host.files.remove(directory);
}

export async function wipe(host: Pick<Host, 'files'>, ceph: CephCommand, osd: PlainOsd): Promise<void> {
  await wipeData(host, ceph, osd);
  await dropDirectory(host, ceph, osd.id);
}
