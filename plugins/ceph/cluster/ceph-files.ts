/**
 * Files and directories of Ceph's daemons on this node. The daemons run as the user `ceph`: what they are to read or write
 * is made for that user.
 * @module
 */
import type { Host } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';

export const dataRoot = '/var/lib/ceph';
const runRoot = '/run/ceph';

export const monData = (node: string): string => `${dataRoot}/mon/ceph-${node}`;
export const mgrData = (node: string): string => `${dataRoot}/mgr/ceph-${node}`;
export const osdData = (id: number | string): string => `${dataRoot}/osd/ceph-${id}`;
export const scratch = `${dataRoot}/tmp`;

/** Written last into a monitor's directory, as ceph-deploy did: one without it was cut off while it was made. */
export const madeMark = (directory: string): string => `${directory}/done`;

export const adminSocket = (daemon: string): string => `${runRoot}/ceph-${daemon}.asok`;

/** Makes a directory of the user ceph; one that is there is only given to that user. */
export async function cephDirectory(ceph: CephCommand, path: string): Promise<void> {
  await ceph.run(`the directory ${path}`, ['install', '-d', '-o', 'ceph', '-g', 'ceph', '-m', '750', path]);
}

/** Where daemons have their sockets. Each of Ceph's programs aborts when it is not there; a boot of the machine empties it. */
export const runDirectory = (ceph: CephCommand): Promise<void> => cephDirectory(ceph, runRoot);

/** Gives a file to the user ceph. */
export async function giveToCeph(ceph: CephCommand, path: string): Promise<void> {
  await ceph.run(`the owner of ${path}`, ['chown', 'ceph:ceph', path]);
}

/** Writes a file of the user ceph, that nobody else reads. */
export async function cephFile(
  host: Pick<Host, 'files'>,
  ceph: CephCommand,
  path: string,
  content: string,
): Promise<void> {
  await host.files.writeAtomic(path, content, 0o600);
  await giveToCeph(ceph, path);
}

/** True once a daemon's admin socket takes connections. */
export async function answers(host: Pick<Host, 'net'>, daemon: string): Promise<boolean> {
  try {
    (await host.net.connect({ path: adminSocket(daemon) }, 2_000)).destroy();
    return true;
  } catch {
    // Not listening yet: that is the answer, not a fault.
    return false;
  }
}
