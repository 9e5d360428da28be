/**
 * What `ceph-volume` says of disks that are not blank, and of OSD ids that it does not give. Not all are refused: a disk
 * of 1 GiB is taken, and a disk that is an OSD already is a success.
 * @module
 */
import { recordLvm } from './commands.ts';
import type { Recorder } from './recorder.ts';

const prepare = ['ceph-volume', 'lvm', 'prepare', '--bluestore', '--data'];
const batch = ['ceph-volume', 'lvm', 'batch', '--prepare', '--bluestore', '--yes', '--osds-per-device', '2'];

export async function recordRefusals(machine: Recorder): Promise<void> {
  const prepareOn = async (what: string, device: string): Promise<void> => {
    await machine.record(`prepare-${what}`, [...prepare, device]);
  };
  const partitioned = await machine.disk('PHYF0001');
  const mounted = await machine.disk('PERC0001');
  await prepareOn('partitions', partitioned);
  await prepareOn('partition-with-filesystem', `${partitioned}2`);
  await prepareOn('dos-partitions', await machine.disk('VIRTIO-MBR'));
  await prepareOn('empty-partition-table', await machine.disk('USB00001'));
  await prepareOn('mounted', mounted);
  await prepareOn('filesystem', await machine.disk('S5Y1NX0R'));
  await prepareOn('foreign-volume-group', await machine.disk('PERC0002'));
  await prepareOn('read-only', await machine.disk('VIRTIO-RO'));
  await prepareOn('small', await machine.disk('VIRTIO-SMALL'));
  await prepareOn('missing', '/dev/sdzz');
  await prepareOn('used-by-osd', await machine.disk('VIRTIO-BLANK'));
  await prepareOn('used-by-raw-osd', await machine.disk('VIRTIO-RAW'));
  await prepareOn('holds-databases', await machine.disk('NVME0002'));
  await machine.record('raw-prepare-used', [
    'ceph-volume',
    'raw',
    'prepare',
    '--bluestore',
    '--data',
    await machine.disk('VIRTIO-RAW'),
  ]);
  await machine.record('batch-mounted', [...batch, mounted]);
  await machine.record('batch-small', [...batch, await machine.disk('VIRTIO-SMALL')]);
  await machine.record('batch-missing', [...batch, '/dev/sdzz']);
  const blank = await machine.disk('ZC1A0003');
  await machine.record('prepare-osd-id-in-use', [...prepare, blank, '--osd-id', '0']);
  await machine.record('prepare-db-missing', [...prepare, blank, '--block.db', 'osd-db/nothing']);
  await recordLvm(machine, 'refused');
  await machine.record('osd-tree-refused', ['ceph', 'osd', 'tree', '--format', 'json']);
}
