import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bootRecordOf, type Partition } from './boot-record.ts';

const boot: Partition = { type: 0x0e, startMiB: 1, sizeMiB: 63, active: true };

describe('the first sector of a disk', () => {
  it('is boot code, partitions and the mark that BIOS looks for', () => {
    const record = bootRecordOf(Buffer.from('code'), [boot, { type: 0x83, startMiB: 64, sizeMiB: 960, active: false }]);
    assert.equal(record.length, 512);
    assert.equal(record.subarray(0, 4).toString(), 'code');
    assert.equal(record.subarray(446, 462).toString('hex'), '80feffff0efeffff0008000000f80100');
    assert.equal(record.subarray(462, 478).toString('hex'), '00feffff83feffff0000020000001e00');
    assert.equal(record.subarray(510).toString('hex'), '55aa');
  });

  it('refuses what does not fit', () => {
    assert.throws(
      () =>
        bootRecordOf(
          Buffer.alloc(0),
          Array.from({ length: 5 }, () => boot),
        ),
      /5 partitions: a boot record has four/,
    );
    assert.throws(() => bootRecordOf(Buffer.alloc(441), []), /boot code has 441 bytes, and may have 440/);
  });
});
