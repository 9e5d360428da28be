/**
 * Commands that are recorded at several moments.
 * @module
 */

import { lvsCommand, pvsCommand, vgsCommand } from '../../../plugins/ceph/device/volume-groups.ts';
import {
  lvmListCommand,
  parseLvmList,
  parseRawList,
  rawListCommand,
} from '../../../plugins/ceph/device/volume-list.ts';
import type { Recorder } from './recorder.ts';

/** What LVM itself says: physical volumes, groups, logical volumes; recorded as pvs-, vgs- and lvs-MOMENT. */
export async function recordLvm(machine: Recorder, moment: string): Promise<void> {
  await machine.record(`pvs-${moment}`, pvsCommand);
  await machine.record(`vgs-${moment}`, vgsCommand);
  await machine.record(`lvs-${moment}`, lvsCommand);
}

/** Asks ceph-volume which OSD lies on the disk, and in which volume. @throws Error when none does */
export async function osdOn(machine: Recorder, disk: string): Promise<{ id: string; fsid: string; path: string }> {
  const osds = parseLvmList(await machine.run(lvmListCommand));
  const found = osds.find(({ data }) => data.disks.includes(disk));
  if (found === undefined) throw new Error(`no OSD lies on ${disk}`);
  return { id: found.id, fsid: found.fsid, path: found.data.path };
}

/** The number of the OSD that lies directly on the disk. @throws Error when none does */
export async function rawOsdOn(machine: Recorder, disk: string): Promise<string> {
  const found = parseRawList(await machine.run(rawListCommand)).find(({ data }) => data.path === disk);
  if (found === undefined) throw new Error(`no OSD lies on ${disk}`);
  return found.id;
}
