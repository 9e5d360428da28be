/**
 * Reads what guests have stamped on a disk (`guest/root/bin/stamp-loop`): whether there was one writer after the other,
 * never two at a time. Each block tells where it is, which boot wrote it, the how manieth of that boot it is, and the last
 * block that this boot found when it began; it begins `gap` blocks after that, so what an older boot writes later is not
 * written over. Pure.
 * @module
 */

const blockBytes = 512;
const gap = 64;
/** What the first block of such a disk begins with. */
export const stampMark = 'pvc-stamps';

/** What one boot of a guest has written. */
export interface StampLife {
  readonly boot: string;
  /** The last block that it found when it began; 0: an empty disk. */
  readonly after: number;
  /** Blocks, both written. */
  readonly first: number;
  readonly last: number;
}

export interface Stamps {
  /** In the order in which they wrote. */
  readonly lives: readonly StampLife[];
  /** What cannot be where one wrote after the other; none: that is proven. */
  readonly faults: readonly string[];
}

const record = /^stamp (\d+) ([0-9a-f-]{36}) (\d+) (\d+) *\n$/;

/** @throws Error for a disk that was not made for stamps */
export function readStamps(disk: Uint8Array): Stamps {
  const bytes = Buffer.from(disk.buffer, disk.byteOffset, disk.byteLength);
  if (bytes.toString('latin1', 0, stampMark.length) !== stampMark) throw new Error('the disk has no mark for stamps');
  const lives: StampLife[] = [];
  const faults: string[] = [];
  for (let at = 1; at * blockBytes < bytes.length; at += 1) {
    const block = bytes.subarray(at * blockBytes, (at + 1) * blockBytes);
    if (block.every((byte) => byte === 0)) continue;
    const [, position, boot = '', count, after] = record.exec(block.toString('latin1')) ?? [];
    if (Number(position) !== at) {
      faults.push(`block ${at} holds what nobody has stamped there`);
      continue;
    }
    const life = lives.at(-1);
    if (life?.boot === boot && life.last === at - 1 && Number(count) === at - life.first + 1) {
      lives[lives.length - 1] = { ...life, last: at };
      continue;
    }
    if (lives.some((one) => one.boot === boot))
      faults.push(`boot ${boot} goes on at block ${at}, after another or a hole`);
    if (Number(count) !== 1) faults.push(`boot ${boot} begins with its stamp ${count} at block ${at}`);
    if (Number(after) + gap !== at) faults.push(`boot ${boot} found block ${after} and begins at block ${at}`);
    lives.push({ boot, after: Number(after), first: at, last: at });
  }
  for (const [index, { boot, after }] of lives.entries()) {
    const before = lives[index - 1];
    if (after > (before?.last ?? 0)) faults.push(`block ${after}, which boot ${boot} found, is lost`);
    if (before !== undefined && before.last > after)
      faults.push(`boot ${before.boot} wrote ${before.last - after} blocks after boot ${boot} had begun`);
  }
  return { lives, faults };
}
