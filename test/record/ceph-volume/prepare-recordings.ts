/**
 * OSDs of every kind that the product makes, and what the tools say of them afterwards.
 * @module
 */
import { lsblkCommand } from '../../../plugins/ceph/device/devices.ts';
import { lvmListCommand, rawListCommand } from '../../../plugins/ceph/device/volume-list.ts';
import { recordLvm } from './commands.ts';
import type { Recorder } from './recorder.ts';

const prepare = ['ceph-volume', 'lvm', 'prepare', '--bluestore', '--data'];

export async function recordPrepare(machine: Recorder): Promise<void> {
  await machine.record('prepare', [...prepare, await machine.disk('VIRTIO-BLANK')]);
  await recordWithDatabase(machine);
  await recordBatch(machine);
  const encrypted = await machine.disk('PERC0003');
  await machine.record('prepare-encrypted', [...prepare, encrypted, '--dmcrypt', '--crush-device-class', 'hdd']);
  const raw = await machine.disk('VIRTIO-RAW');
  await machine.record('raw-prepare', ['ceph-volume', 'raw', 'prepare', '--bluestore', '--data', raw]);

  await machine.record('lvm-list', lvmListCommand);
  await machine.record('lvm-list-device', [...lvmListCommand, await machine.disk('NVME0001')]);
  await machine.record('lvm-list-osd', [...lvmListCommand, '1']);
  await machine.record('raw-list', rawListCommand);
  await machine.record('raw-list-device', [...rawListCommand, raw]);
  await recordLvm(machine, 'prepared');
  await machine.record('lsblk-prepared', lsblkCommand);
  await machine.record('inventory-prepared', ['ceph-volume', 'inventory', '--format', 'json']);
}

/** A volume group for databases on a fast disk, and an OSD on a slow one with its database there. */
async function recordWithDatabase(machine: Recorder): Promise<void> {
  const fast = await machine.disk('NVME0002');
  await machine.record('vgcreate', ['vgcreate', '--yes', 'osd-db', fast]);
  await machine.record('lvcreate', ['lvcreate', '--yes', '--size', '2147483648b', '--name', 'db-ZC1A0001', 'osd-db']);
  await machine.record('lvcreate-too-large', [
    'lvcreate',
    '--yes',
    '--size',
    '1099511627776b',
    '--name',
    'db-x',
    'osd-db',
  ]);
  await machine.record('vgcreate-again', ['vgcreate', '--yes', 'osd-db', fast]);
  const slow = await machine.disk('ZC1A0001');
  const options = ['--crush-device-class', 'hdd', '--block.db', 'osd-db/db-ZC1A0001'];
  await machine.record('prepare-with-db', [...prepare, slow, ...options]);
}

/** Two OSDs on one disk. */
async function recordBatch(machine: Recorder): Promise<void> {
  const disk = await machine.disk('NVME0001');
  const batch = ['ceph-volume', 'lvm', 'batch', '--prepare', '--bluestore', '--yes', '--osds-per-device', '2'];
  await machine.record('batch-report', [...batch, '--report', '--format', 'json', disk]);
  await machine.record('batch', [...batch, '--crush-device-class', 'nvme', disk], { timeoutMs: 600_000 });
  await machine.record('batch-report-again', [...batch, '--report', '--format', 'json', disk]);
  await machine.record('batch-again', [...batch, disk]);
}
