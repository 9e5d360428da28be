import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readDiffHead } from './image-diff.ts';

/** As `rbd export-diff` of Ceph 16 begins. */
function head(records: readonly (readonly [string, string | bigint])[], magic = 'rbd diff v1\n'): Buffer {
  const parts: Buffer[] = [Buffer.from(magic)];
  for (const [kind, value] of records) {
    parts.push(Buffer.from(kind));
    const number = Buffer.alloc(typeof value === 'string' ? 4 : 8);
    if (typeof value === 'string') number.writeUInt32LE(value.length);
    else number.writeBigUInt64LE(value);
    parts.push(number, Buffer.from(typeof value === 'string' ? value : ''));
  }
  return Buffer.concat(parts);
}

describe('the beginning of what rbd exports', () => {
  it('tells what it is', () => {
    assert.deepEqual(
      readDiffHead(
        head([
          ['t', 'two'],
          ['s', 33554432n],
          ['e', ''],
        ]),
      ),
      {
        since: undefined,
        snapshot: 'two',
        sizeBytes: 33554432,
      },
    );
    assert.deepEqual(
      readDiffHead(
        head([
          ['f', 'one'],
          ['t', 'two'],
          ['s', 512n],
        ]),
      ),
      {
        since: 'one',
        snapshot: 'two',
        sizeBytes: 512,
      },
    );
  });

  it('is nothing when it is cut off or something else', () => {
    const whole = head([
      ['f', 'one'],
      ['t', 'two'],
      ['s', 512n],
    ]);
    for (let length = 0; length < whole.length; length += 1)
      assert.equal(readDiffHead(whole.subarray(0, length)), undefined, `${length} bytes`);
    assert.equal(
      readDiffHead(
        head(
          [
            ['t', 'two'],
            ['s', 512n],
          ],
          'rbd diff v2\n',
        ),
      ),
      undefined,
    );
    assert.equal(readDiffHead(head([['w', 'two']])), undefined);
    assert.equal(
      readDiffHead(
        head([
          ['f', 'one'],
          ['s', 512n],
        ]),
      ),
      undefined,
      'it does not say of which snapshot',
    );
    const endless = head([['t', 'two']]);
    endless.writeUInt32LE(0xffffffff, 13);
    assert.equal(readDiffHead(endless), undefined);
  });
});
