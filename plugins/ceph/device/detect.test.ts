import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { recording } from '../../../test/fixtures/recording.ts';
import { detect, isDetection, parseDetection } from './detect.ts';
import { type BlockDevice, parseDevices } from './devices.ts';

const devices = parseDevices(recording('ceph-volume/bookworm/lsblk').stdout);
const found = (text: string, among: readonly BlockDevice[] = devices): string | undefined =>
  detect(parseDetection(text), among).serial;

describe('the description of a disk', () => {
  it('is told from a path', () => {
    assert.equal(isDetection('detect:INTEL:480GB:0'), true);
    assert.equal(isDetection('/dev/sda'), false);
  });

  for (const [text, size] of [
    ['480GB', 480e9],
    ['480G', 480e9],
    ['1.92tb', 1.92e12],
    ['4T', 4e12],
    ['3.64TiB', 3.64 * 1024 ** 4],
    ['447gib', 447 * 1024 ** 3],
    ['512M', 512e6],
    ['1PB', 1e15],
  ] as const)
    it(`takes the size ${text}`, () => {
      assert.deepEqual(parseDetection(`detect:INTEL:${text}:2`), { name: 'INTEL', size, index: 2 });
    });

  it('takes a name with spaces, and spaces around its parts', () => {
    assert.deepEqual(parseDetection('detect:Samsung SSD 870: 500GB :0'), {
      name: 'Samsung SSD 870',
      size: 500e9,
      index: 0,
    });
  });

  for (const [text, reason] of [
    ['/dev/sda', /does not begin with detect:/],
    ['detect:', /has 1 parts/],
    ['detect:INTEL:480GB', /has 2 parts/],
    ['detect:INTEL:480GB:0:1', /has 4 parts/],
    ['detect::480GB:0', /the name is empty/],
    ['detect:INTEL:480GB:-1', /"-1" is no index/],
    ['detect:INTEL:480GB:x', /"x" is no index/],
    ['detect:INTEL:480GB:99999', /"99999" is no index/],
    ['detect:INTEL:480:0', /"480" is no size/],
    ['detect:INTEL:0GB:0', /"0GB" is no size/],
    ['detect:INTEL:-480GB:0', /"-480GB" is no size/],
    ['detect:INTEL:1e3GB:0', /"1e3GB" is no size/],
    ['detect:INTEL:big:0', /"big" is no size/],
  ] as const)
    it(`is refused with the reason: ${text}`, () => {
      assert.throws(() => parseDetection(text), { code: 'DEVICE_DETECT', message: reason });
    });

  it('is read or refused, whatever it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const { name, size, index } = parseDetection(`detect:${text}`);
          assert.ok(name !== '' && Number.isFinite(size) && size > 0 && Number.isSafeInteger(index));
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'DEVICE_DETECT');
        }
      }),
    );
  });
});

describe('a described disk', () => {
  for (const [text, serial] of [
    ['detect:intel:480GB:0', 'PHYF0001'],
    ['detect:ATA INTEL SSDSC2KB48:480GB:0', 'PHYF0001'],
    ['detect:samsung ssd 870 evo:500GB:0', 'S5Y1NX0R'],
    ['detect:Samsung:466GiB:0', 'S5Y1NX0R'],
    ['detect:SEAGATE:4TB:0', 'ZC1A0001'],
    ['detect:SEAGATE:3.6TiB:1', 'ZC1A0002'],
    ['detect:ST4000NM:4T:2', 'ZC1A0003'],
    ['detect:nvme:21.5GB:0', 'NVME0001'],
    ['detect:NVMe Ctrl:16GiB:0', 'NVME0002'],
    ['detect:PERC:8.6GB:2', 'PERC0003'],
  ] as const)
    it(`is found: ${text}`, () => assert.equal(found(text), serial));

  it('is the same one when the kernel has numbered the disks otherwise', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...devices], { minLength: devices.length }), fc.nat(2), (shuffled, index) => {
        const renamed = shuffled.map((device, at) => ({ ...device, path: `/dev/sd${String.fromCharCode(97 + at)}` }));
        assert.equal(found(`detect:SEAGATE:4TB:${index}`, renamed), `ZC1A000${index + 1}`);
      }),
    );
  });

  it('without a serial number is counted by its path, sda10 after sda9', () => {
    const [disk] = devices.filter(({ serial }) => serial === 'S5Y1NX0R');
    assert.ok(disk);
    const plain = [10, 9, 1].map((n) => ({ ...disk, serial: undefined, path: `/dev/nvme${n}n1` }));
    const at = (index: number) => detect(parseDetection(`detect:Samsung:500GB:${index}`), plain).path;
    assert.deepEqual([at(0), at(1), at(2)], ['/dev/nvme1n1', '/dev/nvme9n1', '/dev/nvme10n1']);
  });

  it('may differ from its size by 3 %, and by no more', () => {
    const [disk] = devices.filter(({ serial }) => serial === 'S5Y1NX0R');
    assert.ok(disk);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9999 }),
        fc.double({ min: -0.06, max: 0.06, noNaN: true }),
        (gigabytes, off) => {
          fc.pre(Math.abs(Math.abs(off) - 0.03) > 0.0001);
          const size = Math.round(gigabytes * 1e9 * (1 + off));
          const search = () => detect(parseDetection(`detect:Samsung:${gigabytes}GB:0`), [{ ...disk, size }]);
          if (Math.abs(off) < 0.03) assert.equal(search().size, size);
          else assert.throws(search, { code: 'DEVICE_NOT_DETECTED' });
        },
      ),
    );
  });

  for (const [text, reason] of [
    ['detect:WDC:4TB:0', /^No disk is detect:WDC:4TB:0: none has "WDC" in its vendor and model/],
    ['detect:SEAGATE:8TB:0', /none of the 3 with "SEAGATE" in vendor and model has 8TB/],
    ['detect:SEAGATE:4TB:3', /3 match, and they are counted from 0/],
    ['detect:CD-ROM:1G:0', /none has "CD-ROM"/],
  ] as const)
    it(`that is not there is told with the disks that are: ${text}`, () => {
      assert.throws(
        () => found(text),
        (error: { code: string; message: string; details: string[] }) => {
          assert.equal(error.code, 'DEVICE_NOT_DETECTED');
          assert.match(error.message, reason);
          assert.equal(error.details.length, devices.filter(({ type }) => type === 'disk').length);
          assert.ok(error.details.some((line) => /^\/dev\/sd[a-z]: ATA INTEL SSDSC2KB48, 480GB$/.test(line)));
          assert.ok(error.details.some((line) => /^\/dev\/vd[a-z]: 0x1af4, 10.7GB$/.test(line)));
          return true;
        },
      );
    });
});
