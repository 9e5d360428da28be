/**
 * OSDs that were prepared are brought to life: without systemd, as after a node's reinstall, and through it.
 * @module
 */
import { lsblkCommand } from '../../../plugins/ceph/device/devices.ts';
import { osdOn, rawOsdOn } from './commands.ts';
import type { Recorder } from './recorder.ts';

const activate = ['ceph-volume', 'lvm', 'activate', '--bluestore'];

export async function recordActivate(machine: Recorder): Promise<void> {
  const plain = await osdOn(machine, await machine.disk('VIRTIO-BLANK'));
  const withDatabase = await osdOn(machine, await machine.disk('ZC1A0001'));
  const encrypted = await osdOn(machine, await machine.disk('PERC0003'));
  const half = await osdOn(machine, await machine.disk('NVME0001'));

  // What a reboot takes away: the OSD's directory is a tmpfs.
  await machine.run(['umount', `/var/lib/ceph/osd/ceph-${plain.id}`]);
  await machine.record('activate', [...activate, '--no-systemd', plain.id, plain.fsid]);
  await machine.record('osd-directory', ['ls', '-l', `/var/lib/ceph/osd/ceph-${plain.id}`]);
  await machine.record('activate-again', [...activate, '--no-systemd', plain.id, plain.fsid]);
  await machine.record('activate-with-db', [...activate, '--no-systemd', withDatabase.id, withDatabase.fsid]);
  await machine.record('osd-directory-with-db', ['ls', '-l', `/var/lib/ceph/osd/ceph-${withDatabase.id}`]);
  await machine.record('activate-encrypted', [...activate, '--no-systemd', encrypted.id, encrypted.fsid]);
  await machine.record('activate-unknown', [...activate, '--no-systemd', '99', plain.fsid]);
  const raw = await machine.disk('VIRTIO-RAW');
  await machine.record('raw-activate', ['ceph-volume', 'raw', 'activate', '--device', raw, '--no-systemd']);
  await machine.record('activate-all', [...activate, '--no-systemd', '--all']);

  await machine.record('activate-systemd', [...activate, half.id, half.fsid]);
  const units = [plain.id, withDatabase.id, await rawOsdOn(machine, raw)].map((id) => `ceph-osd@${id}`);
  await machine.run(['systemctl', 'start', ...units]);
  // The OSDs write to their disks for good once the monitor has them up.
  await machine.run([
    'sh',
    '-c',
    'for i in $(seq 60); do ceph osd stat | grep -q "4 up" && exit 0; sleep 2; done; ceph osd stat; exit 1',
  ]);
  await machine.record('units', [
    'systemctl',
    'list-units',
    '--all',
    '--plain',
    '--no-legend',
    'ceph-osd@*',
    'ceph-volume@*',
  ]);
  await machine.record('unit-files', ['find', '/etc/systemd/system', '/run/systemd/system', '-name', 'ceph-*']);
  await machine.record('osd-tree', ['ceph', 'osd', 'tree', '--format', 'json']);
  await machine.record('osd-metadata', ['ceph', 'osd', 'metadata', '--format', 'json']);
  await machine.record('lsblk-running', lsblkCommand);
}
