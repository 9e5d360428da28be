/**
 * Several OSDs on one disk as the product makes them: it divides the disk itself, so that each part has a name before
 * `ceph-volume` sees it. `lvm batch` would choose the names, and one that is killed could not be told from another's.
 * @module
 */
import { lvmListCommand } from '../../../plugins/ceph/device/volume-list.ts';
import { recordLvm } from './commands.ts';
import type { Recorder } from './recorder.ts';

const group = 'ceph-6a1d2a5e-94f4-4a3c-8f0e-5d7c1b2a3f40';
const fsids = ['0b8f3c1e-3f4e-4c59-9d0f-6d1f4f1f0a01', '0b8f3c1e-3f4e-4c59-9d0f-6d1f4f1f0a02'] as const;
const volume = (fsid: string): string => `${group}/osd-block-${fsid}`;
const [first, second] = fsids;

/** Before: NVME0001 and PERC0003 are blank. */
export async function recordDivision(machine: Recorder): Promise<void> {
  const disk = await machine.disk('NVME0001');
  await machine.record('division-vgcreate', ['vgcreate', '--yes', group, disk]);
  const create = ['lvcreate', '--yes', '--wipesignatures', 'y', '--extents'];
  await machine.record('division-lvcreate', [...create, '50%FREE', '--name', `osd-block-${first}`, group]);
  await machine.record('division-lvcreate-last', [...create, '100%FREE', '--name', `osd-block-${second}`, group]);
  await machine.record('division-lvcreate-again', [...create, '100%FREE', '--name', `osd-block-${second}`, group]);
  await recordLvm(machine, 'divided');
  await machine.record('division-list-blank', lvmListCommand);
  const prepare = (fsid: string): string[] => [
    ...['ceph-volume', 'lvm', 'prepare', '--bluestore', '--data', volume(fsid), '--osd-fsid', fsid],
    ...['--crush-device-class', 'nvme'],
  ];
  await machine.record('division-prepare', prepare(first));
  await machine.record('division-prepare-again', prepare(first));
  await machine.run(prepare(second));
  await machine.record('division-list', lvmListCommand);
  const zap = ['ceph-volume', 'lvm', 'zap', '--destroy'];
  await machine.record('division-zap', [...zap, volume(first)]);
  await machine.record('division-zap-again', [...zap, volume(first)]);
  await machine.record('division-zap-last', [...zap, volume(second)]);
  await recordLvm(machine, 'undivided');
  await machine.record('division-list-zapped', lvmListCommand);
  await recordDatabaseApart(machine);
}

/** The database's volume is given back by itself: `zap --osd-id` would take its whole group away with the last one. */
async function recordDatabaseApart(machine: Recorder): Promise<void> {
  const [slow, fast] = [await machine.disk('PERC0003'), await machine.disk('NVME0001')];
  const fsid = '0b8f3c1e-3f4e-4c59-9d0f-6d1f4f1f0a03';
  await machine.run(['vgcreate', '--yes', 'osd-db', fast]);
  await machine.run(['lvcreate', '--yes', '--size', '2147483648b', '--name', `osd-db-${fsid}`, 'osd-db']);
  const prepare = ['ceph-volume', 'lvm', 'prepare', '--bluestore', '--data', slow, '--osd-fsid', fsid];
  const withDatabase = [...prepare, '--block.db', `osd-db/osd-db-${fsid}`];
  await machine.record('division-prepare-with-db', withDatabase, { timeoutMs: 600_000 });
  await machine.record('division-list-with-db', lvmListCommand);
  await machine.record('division-zap-data', ['ceph-volume', 'lvm', 'zap', '--destroy', slow]);
  await machine.record('division-list-only-db', lvmListCommand);
  await machine.record('lvremove', ['lvremove', '--yes', `osd-db/osd-db-${fsid}`]);
  await machine.record('lvremove-again', ['lvremove', '--yes', `osd-db/osd-db-${fsid}`]);
  await machine.record('vgremove', ['vgremove', '--yes', 'osd-db']);
  await machine.record('vgremove-again', ['vgremove', '--yes', 'osd-db']);
  await machine.record('pvremove', ['pvremove', '--yes', fast]);
}
