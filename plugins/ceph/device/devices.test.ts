import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { recording } from '../../../test/fixtures/recording.ts';
import { type BlockDevice, deviceAt, lsblkCommand, parseDevices } from './devices.ts';

const devicesIn = (name: string): readonly BlockDevice[] =>
  parseDevices(recording(`ceph-volume/bookworm/${name}`).stdout);
const bySerial = (devices: readonly BlockDevice[], serial: string): BlockDevice => {
  const found = devices.find((device) => device.serial === serial);
  assert.ok(found, serial);
  return found;
};

describe('the block devices of a node', () => {
  it('are asked for as they were recorded', () => {
    assert.deepEqual(recording('ceph-volume/bookworm/lsblk').argv, lsblkCommand);
  });

  it('have what is printed on them', () => {
    const { name, path, ...disk } = bySerial(devicesIn('lsblk'), 'S5Y1NX0R');
    assert.equal(path, `/dev/${name}`);
    assert.deepEqual(disk, {
      type: 'disk',
      size: 500_107_862_016,
      vendor: 'ATA',
      model: 'Samsung SSD 870 EVO 500GB',
      serial: 'S5Y1NX0R',
      wwn: '0x5002538f00000001',
      rotational: false,
      transport: 'sata',
      content: 'xfs',
      partitionTable: undefined,
      mountpoints: [],
      readOnly: false,
      removable: false,
      children: [],
    });
  });

  it('need no vendor, model or serial number', () => {
    const disk = bySerial(devicesIn('lsblk'), 'NVME0001');
    assert.equal(disk.vendor, undefined);
    assert.equal(disk.model, 'QEMU NVMe Ctrl');
    assert.equal(bySerial(devicesIn('lsblk'), 'VIRTIO-BLANK').model, undefined);
  });

  it('hold partitions, volumes and opened encryption', () => {
    const devices = devicesIn('lsblk-prepared');
    const system = bySerial(devices, 'PHYF0001');
    assert.deepEqual(
      [system.partitionTable, system.children.map(({ type, content }) => [type, content])],
      [
        'gpt',
        [
          ['part', undefined],
          ['part', 'ext4'],
        ],
      ],
    );
    const [volume] = bySerial(devices, 'PERC0003').children;
    assert.deepEqual([volume?.type, volume?.content], ['lvm', 'crypto_LUKS']);
    assert.deepEqual([volume?.children[0]?.type, volume?.children[0]?.content], ['crypt', 'ceph_bluestore']);
  });

  it('are found by their path at any depth, and not by another', () => {
    const devices = devicesIn('lsblk-prepared');
    const opened = bySerial(devices, 'PERC0003').children[0]?.children[0];
    assert.ok(opened);
    assert.equal(deviceAt(devices, opened.path), opened);
    assert.equal(deviceAt(devices, '/dev/sdzz'), undefined);
  });

  for (const [what, output] of [
    ['nothing', ''],
    ['half of it', recording('ceph-volume/bookworm/lsblk').stdout.slice(0, 900)],
    ['another shape', '{"blockdevices": [{"name": "sda"}]}'],
    ['a size that is no number', recording('ceph-volume/bookworm/lsblk').stdout.replace('500107862016', '"465.8G"')],
  ] as const)
    it(`are not guessed when lsblk prints ${what}`, () => {
      assert.throws(() => parseDevices(output), {
        code: 'CEPH_STRANGE',
        message: /^The answer of lsblk --json --bytes /,
      });
    });

  it('are never misread: any text is devices or an error with a reason', () => {
    const whole = recording('ceph-volume/bookworm/lsblk').stdout;
    fc.assert(
      fc.property(fc.nat(whole.length - 2), fc.string({ maxLength: 3 }), (at, put) => {
        const text = whole.slice(0, at) + put + whole.slice(at + put.length);
        try {
          for (const device of parseDevices(text))
            assert.ok(Number.isSafeInteger(device.size) && device.path !== undefined);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'CEPH_STRANGE');
        }
      }),
      { numRuns: 200 },
    );
  });
});
