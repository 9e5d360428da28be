/**
 * What lies on the machine's disks before Ceph comes, and how each tool describes it.
 * @module
 */
import { lsblkCommand } from '../../../plugins/ceph/device/devices.ts';
import { lvmListCommand, rawListCommand } from '../../../plugins/ceph/device/volume-list.ts';
import type { Recorder } from './recorder.ts';

/** One disk for each reason that makes a disk unusable; the others stay blank. */
export async function fillDisks(machine: Recorder): Promise<void> {
  const partitioned = await machine.disk('PHYF0001');
  await machine.run(['sfdisk', '--quiet', partitioned], 'label: gpt\nsize=512M,type=U\ntype=L\n');
  await machine.run(['udevadm', 'settle']);
  await machine.run(['mkfs.ext4', '-q', '-L', 'system', `${partitioned}2`]);
  await machine.run(['sfdisk', '--quiet', await machine.disk('VIRTIO-MBR')], 'label: dos\ntype=83\n');
  await machine.run(['sfdisk', '--quiet', await machine.disk('USB00001')], 'label: gpt\n');
  await machine.run(['mkfs.xfs', '-q', '-L', 'archive', await machine.disk('S5Y1NX0R')]);
  const mounted = await machine.disk('PERC0001');
  await machine.run(['mkfs.ext4', '-q', mounted]);
  await machine.run(['mkdir', '-p', '/srv/data']);
  await machine.run(['mount', mounted, '/srv/data']);
  const volumes = await machine.disk('PERC0002');
  await machine.run(['vgcreate', 'data', volumes]);
  await machine.run(['lvcreate', '--yes', '--size', '1G', '--name', 'home', 'data']);
  await machine.run(['udevadm', 'settle']);
}

export async function recordDiscovery(machine: Recorder): Promise<void> {
  await machine.record('lsblk', lsblkCommand);
  await machine.record('lsblk-all-columns', ['lsblk', '--json', '--bytes', '--output-all']);
  await machine.record('inventory', ['ceph-volume', 'inventory', '--format', 'json']);
  const mounted = await machine.disk('PERC0001');
  await machine.record('inventory-one', ['ceph-volume', 'inventory', mounted, '--format', 'json']);
  await machine.record('lvm-list-none', lvmListCommand);
  await machine.record('raw-list-none', rawListCommand);
}
