/**
 * Disks are given back: which are refused, and what each zap leaves behind.
 * @module
 */
import { lsblkCommand } from '../../../plugins/ceph/device/devices.ts';
import { lvmListCommand } from '../../../plugins/ceph/device/volume-list.ts';
import { osdOn, rawOsdOn, recordLvm } from './commands.ts';
import type { Recorder } from './recorder.ts';

const zap = ['ceph-volume', 'lvm', 'zap', '--destroy'];
const prepare = ['ceph-volume', 'lvm', 'prepare', '--bluestore', '--data'];

export async function recordZap(machine: Recorder): Promise<void> {
  await recordRefusedZaps(machine);
  await recordZapsOfOsds(machine);
  await recordReplace(machine);
  await recordKilledPrepare(machine);
}

/** Before: OSDs on VIRTIO-BLANK, VIRTIO-RAW, ZC1A0001 and half of NVME0001 run. */
async function recordRefusedZaps(machine: Recorder): Promise<void> {
  const running = await machine.disk('VIRTIO-BLANK');
  const { id, fsid } = await osdOn(machine, running);
  await machine.record('zap-running-device', [...zap, running]);
  await machine.record('zap-running-osd', [...zap, '--osd-id', id]);
  await machine.record('zap-running-osd-fsid', [...zap, '--osd-fsid', fsid]);
  await machine.record('zap-running-osd-no-systemd', [...zap, '--no-systemd', '--osd-id', id]);
  await machine.record('zap-running-raw', [...zap, await machine.disk('VIRTIO-RAW')]);
  await machine.record('lvm-list-running', lvmListCommand);
  await machine.record('zap-mounted', [...zap, await machine.disk('PERC0001')]);
  await machine.record('zap-partitions', [...zap, await machine.disk('PHYF0001')]);
  await machine.record('zap-missing', [...zap, '/dev/sdzz']);
  await machine.record('zap-osd-unknown', [...zap, '--osd-id', '99']);
}

async function recordZapsOfOsds(machine: Recorder): Promise<void> {
  const stop = async (disk: string): Promise<string> => {
    const { id } = await osdOn(machine, disk);
    await machine.run(['systemctl', 'stop', `ceph-osd@${id}`]);
    return id;
  };
  const plain = await machine.disk('VIRTIO-BLANK');
  const id = await stop(plain);
  await machine.record('zap-device', [...zap, plain]);
  await machine.record('zap-device-again', [...zap, plain]);
  await machine.record('zap-device-leftovers', [
    'findmnt',
    '--json',
    '--list',
    '--types',
    'tmpfs',
    '--output',
    'TARGET,SOURCE',
  ]);
  await machine.record('zap-device-unit', ['systemctl', 'is-enabled', `ceph-osd@${id}`]);
  await machine.record('zap-osd-with-db', [...zap, '--osd-id', await stop(await machine.disk('ZC1A0001'))]);
  await recordLvm(machine, 'zapped-with-db');
  const split = await machine.disk('NVME0001');
  await machine.record('zap-split-osd', [...zap, '--osd-id', await stop(split)]);
  await recordLvm(machine, 'zapped-split');
  await machine.record('zap-split-device', [...zap, split]);
  await machine.record('zap-encrypted', [...zap, await machine.disk('PERC0003')]);
  const raw = await machine.disk('VIRTIO-RAW');
  const rawId = await rawOsdOn(machine, raw);
  await machine.run(['systemctl', 'stop', `ceph-osd@${rawId}`]);
  await machine.record('zap-raw', [...zap, raw]);
  await machine.record('zap-raw-leftovers', ['ls', '-l', `/var/lib/ceph/osd/ceph-${rawId}`]);
  await machine.record('zap-empty-partition-table', [...zap, await machine.disk('USB00001')]);
  await machine.record('zap-filesystem', [...zap, await machine.disk('S5Y1NX0R')]);
  await machine.record('lsblk-zapped', lsblkCommand);
  await machine.record('lvm-list-zapped', lvmListCommand);
}

/** A new disk takes the id of an OSD whose disk is gone. */
async function recordReplace(machine: Recorder): Promise<void> {
  const [first, second] = [await machine.disk('VIRTIO-BLANK'), await machine.disk('VIRTIO-RAW')];
  const fsids = JSON.parse(await machine.run(['ceph', 'osd', 'dump', '--format', 'json'])) as {
    osds: { osd: number; uuid: string }[];
  };
  const fsidOf = (id: number) => fsids.osds.find(({ osd }) => osd === id)?.uuid ?? '';
  for (const id of ['0', '1']) {
    // An OSD that ends does not tell the monitors; its peers do, where there are any.
    await machine.run(['ceph', 'osd', 'down', id, '--definitely-dead']);
    // `osd destroy` is a command of the manager, which asks whether it is safe and then gives the monitors this one.
    await machine.run(['ceph', 'osd', 'destroy-actual', id, '--yes-i-really-mean-it']);
  }
  await machine.record('prepare-same-id', [...prepare, first, '--osd-id', '0']);
  await machine.record('prepare-same-id-and-fsid', [...prepare, second, '--osd-id', '1', '--osd-fsid', fsidOf(1)]);
  await machine.record('lvm-list-replaced', lvmListCommand);
}

/**
 * Runs a command in a process group of its own and kills the group a few seconds after the file system of the OSD was
 * begun: `ceph-osd --mkfs` would go on to its end when only `ceph-volume` is killed.
 */
const killedInMkfs = `
setsid "$@" &
group=$!
until grep --files-with-matches --null-data --line-regexp --no-messages -e --mkfs /proc/[0-9]*/cmdline; do sleep 1; done
sleep 8
kill -KILL -- -$group
wait $group`;

/** On so large a disk, making the file system takes long enough to be killed in the middle. */
async function recordKilledPrepare(machine: Recorder): Promise<void> {
  const disk = await machine.disk('ZC1A0003');
  const fsid = '5f0c7a52-3f7b-4f7e-8f43-2f2f0d1c9a11';
  const withFsid = [...prepare, disk, '--osd-fsid', fsid];
  await machine.record('prepare-killed', ['sh', '-c', killedInMkfs, 'sh', ...withFsid]);
  await machine.record('lvm-list-killed', lvmListCommand);
  await machine.record('prepare-after-kill', withFsid);
  const { id, path } = await osdOn(machine, disk);
  const label = ['ceph-bluestore-tool', 'show-label', '--dev'];
  await machine.record('show-label-killed', [...label, path]);
  await machine.record('show-label', [...label, (await osdOn(machine, await machine.disk('VIRTIO-BLANK'))).path]);
  const activate = ['ceph-volume', 'lvm', 'activate', '--bluestore', '--no-systemd', id, fsid];
  await machine.record('activate-after-kill', activate);
  const serve = ['ceph-osd', '-f', '--id', id, '--setuser', 'ceph', '--setgroup', 'ceph'];
  await machine.record('start-after-kill', ['timeout', '60', ...serve]);
  await machine.record('zap-after-kill', [...zap, disk]);
  await machine.record('prepare-same-fsid-after-kill', withFsid);
  await machine.record('purge-new', ['ceph', 'osd', 'purge-new', `osd.${id}`, '--yes-i-really-mean-it']);
  await machine.record('purge-new-again', ['ceph', 'osd', 'purge-new', `osd.${id}`, '--yes-i-really-mean-it']);
  await machine.record('prepare-same-fsid-after-purge', withFsid);
  await machine.record('osd-tree-killed', ['ceph', 'osd', 'tree', '--format', 'json']);
}
