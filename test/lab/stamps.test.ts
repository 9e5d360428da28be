import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readStamps, stampMark } from './stamps.ts';

const bootOf = (letter: string): string => `${letter.repeat(8)}-0000-4000-8000-000000000000`;

interface Written {
  readonly at: number;
  readonly boot: string;
  readonly count: number;
  readonly after: number;
}

/** A disk with these blocks, later ones over earlier ones. */
function diskWith(written: readonly Written[], blocks = 400): Uint8Array {
  const disk = Buffer.alloc(blocks * 512);
  disk.write(`${stampMark}\n`);
  for (const { at, boot, count, after } of written)
    disk.write(`${`stamp ${at} ${bootOf(boot)} ${count} ${after}`.padEnd(511)}\n`, at * 512);
  return disk;
}

/** A boot that has found block `after` and written `count` blocks. */
const life = (boot: string, after: number, count: number): Written[] =>
  Array.from({ length: count }, (_, index) => ({ at: after + 64 + index, boot, count: index + 1, after }));

describe('stamps on a disk', () => {
  it('of boots that wrote one after the other are told in their order, without faults', () =>
    assert.deepEqual(readStamps(diskWith([...life('a', 0, 10), ...life('b', 73, 3)])), {
      lives: [
        { boot: bootOf('a'), after: 0, first: 64, last: 73 },
        { boot: bootOf('b'), after: 73, first: 137, last: 139 },
      ],
      faults: [],
    }));

  it('are none on a disk on which nobody has written', () =>
    assert.deepEqual(readStamps(diskWith([])), { lives: [], faults: [] }));

  it('need a disk that was made for them', () => assert.throws(() => readStamps(Buffer.alloc(4_096)), /no mark/));

  for (const [what, written, fault] of [
    [
      'a boot that wrote on after the next had begun',
      [...life('b', 73, 3), ...life('a', 0, 12)],
      /wrote 2 blocks after/,
    ],
    [
      'a boot that wrote on into the blocks of the next',
      [...life('b', 73, 20), ...life('a', 0, 80)],
      /begins with its stamp 8 at block 144/,
    ],
    [
      'two boots that wrote in turns',
      [...life('a', 0, 10), { at: 70, boot: 'b', count: 7, after: 0 }],
      /goes on at block 71/,
    ],
    ['a block that the next boot found and that is gone', [...life('a', 0, 8), ...life('b', 73, 3)], /73, .* is lost/],
    ['a hole in what a boot wrote', life('a', 0, 10).filter(({ at }) => at !== 68), /goes on at block 69/],
  ] as const)
    it(`tell of ${what}`, () => assert.match(readStamps(diskWith(written)).faults.join('\n'), fault));

  it('tell of a block that is torn', () => {
    const disk = diskWith(life('a', 0, 3));
    disk.fill(0, 65 * 512 + 20, 65 * 512 + 40);
    assert.match(readStamps(disk).faults.join('\n'), /block 65 holds what nobody has stamped there/);
  });
});
