/**
 * Something that is needed is gone: the disk below a running OSD, and the monitor. The monitor does not come back, so
 * this is the last that is recorded.
 * @module
 */
import { lsblkCommand } from '../../../plugins/ceph/device/devices.ts';
import { lvmListCommand } from '../../../plugins/ceph/device/volume-list.ts';
import { osdOn, recordLvm } from './commands.ts';
import type { Recorder } from './recorder.ts';

const volume = ['ceph-volume', 'lvm'];

export async function recordLosses(machine: Recorder): Promise<void> {
  await recordLostDisk(machine);
  await machine.run(['systemctl', 'stop', 'ceph-mon@hv1']);
  const prepare = [...volume, 'prepare', '--bluestore', '--data', await machine.disk('ZC1A0002')];
  await machine.record('prepare-monitor-away', ['timeout', '60', ...prepare]);
  await recordLvm(machine, 'monitor-away');
}

/** The kernel drops the disk, as it does when one dies or is pulled out. */
async function recordLostDisk(machine: Recorder): Promise<void> {
  const disk = await machine.disk('PERC0003');
  await machine.run([...volume, 'prepare', '--bluestore', '--data', disk]);
  const { id, fsid } = await osdOn(machine, disk);
  await machine.run([...volume, 'activate', '--bluestore', '--no-systemd', id, fsid]);
  await machine.run(['systemctl', 'start', `ceph-osd@${id}`]);
  await machine.run(['tee', `/sys/block/${disk.replace('/dev/', '')}/device/delete`], '1');
  await machine.run(['udevadm', 'settle']);
  await machine.record('lsblk-disk-gone', lsblkCommand);
  await machine.record('lvm-list-disk-gone', lvmListCommand);
  await recordLvm(machine, 'disk-gone');
  await machine.run(['systemctl', 'kill', '--signal=KILL', `ceph-osd@${id}`]);
  await machine.record('zap-disk-gone', [...volume, 'zap', '--destroy', '--no-systemd', '--osd-id', id]);
  await machine.record('activate-disk-gone', [...volume, 'activate', '--bluestore', '--no-systemd', id, fsid]);
}
