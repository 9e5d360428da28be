import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { type BlockDevice, parseDevices } from './devices.ts';
import { whyUnusable } from './usable.ts';
import { mergeOsds, parseLvmList, parseRawList } from './volume-list.ts';

const output = (name: string): string => recording(`ceph-volume/bookworm/${name}`).stdout;
const before = parseDevices(output('lsblk'));
const after = parseDevices(output('lsblk-prepared'));
const osds = mergeOsds(parseLvmList(output('lvm-list')), parseRawList(output('raw-list')));

const reasons = (devices: readonly BlockDevice[], serial: string, known = osds): readonly string[] => {
  const device = devices.find((one) => one.serial === serial);
  assert.ok(device, serial);
  return whyUnusable(device, known);
};

/** The OSD whose data lie on the disk. */
const osdOn = (serial: string): string => {
  const path = after.find((one) => one.serial === serial)?.path ?? '';
  return osds.find(({ data }) => data.disks.includes(path))?.id ?? 'none';
};

describe('a device', () => {
  for (const serial of ['VIRTIO-BLANK', 'VIRTIO-RAW', 'ZC1A0001', 'ZC1A0002', 'PERC0003', 'NVME0001', 'NVME0002'])
    it(`that is blank (${serial}) may become a disk of the storage`, () => {
      assert.deepEqual(reasons(before, serial, []), []);
    });

  for (const [what, serial, expected] of [
    ['with partitions', 'PHYF0001', ['it has a partition table (gpt)']],
    ['with DOS partitions', 'VIRTIO-MBR', ['it has a partition table (dos)']],
    ['with a file system', 'S5Y1NX0R', ['it is not blank (xfs)']],
    ['that is mounted', 'PERC0001', ['it is mounted on /srv/data', 'it is not blank (ext4)']],
    ['that LVM uses', 'PERC0002', ['it is not blank (LVM2_member)', 'it is in use by data-home']],
    ['that is read-only', 'VIRTIO-RO', ['it is read-only']],
    ['that is too small', 'VIRTIO-SMALL', ['it has 1 GiB, and an OSD needs 5 GiB']],
    [
      'that is a USB stick',
      'USB00001',
      ['it is removable', 'it has 4 GiB, and an OSD needs 5 GiB', 'it has a partition table (gpt)'],
    ],
  ] as const)
    it(`${what} is refused with every reason`, () => {
      assert.deepEqual(reasons(before, serial, []), expected);
    });

  it('that holds an OSD is refused with its number', () => {
    for (const serial of ['VIRTIO-BLANK', 'ZC1A0001', 'PERC0003', 'NVME0001', 'VIRTIO-RAW'])
      assert.equal(reasons(after, serial)[0], `the data of osd.${osdOn(serial)} lie on it`);
    assert.equal(reasons(after, 'NVME0001').filter((reason) => reason.startsWith('the data of')).length, 2);
  });

  it('that holds a database is refused with the number of its OSD', () => {
    assert.equal(reasons(after, 'NVME0002')[0], `the database of osd.${osdOn('ZC1A0001')} lies on it`);
  });

  it('that holds an OSD is refused when ceph-volume does not know it', () => {
    assert.deepEqual(reasons(after, 'VIRTIO-RAW', []), ['it is not blank (ceph_bluestore)']);
    assert.match(reasons(after, 'NVME0001', []).join('; '), /^it is not blank \(LVM2_member\); it is in use by ceph--/);
  });

  it('that is a partition or a CD drive is no whole disk', () => {
    const partition = before.find((one) => one.serial === 'VIRTIO-MBR')?.children[0];
    assert.ok(partition);
    assert.equal(whyUnusable(partition, [])[0], 'it is no whole disk (part)');
    const drive = before.find(({ type }) => type === 'rom');
    assert.ok(drive);
    assert.equal(whyUnusable(drive, [])[0], 'it is no whole disk (rom)');
  });

  it('that the node swaps to is refused', () => {
    const [disk] = before.filter((one) => one.serial === 'ZC1A0001');
    assert.ok(disk);
    assert.deepEqual(whyUnusable({ ...disk, mountpoints: ['[SWAP]'] }, []), ['the node swaps to it']);
  });

  for (const [moment, devices, known] of [
    ['inventory', before, []],
    ['inventory-prepared', after, osds],
  ] as const)
    it(`is judged as ceph-volume judges it (${moment})`, () => {
      const inventory = JSON.parse(output(moment)) as { path: string; available: boolean }[];
      for (const disk of devices.filter(({ type }) => type === 'disk')) {
        const told = inventory.find(({ path }) => path === disk.path);
        assert.equal(whyUnusable(disk, known).length === 0, told?.available, disk.path);
      }
    });
});
