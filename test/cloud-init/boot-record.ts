/**
 * The first sector of a disk: boot code and four partitions ("Partition table entries" of a PC's master boot record, as
 * Linux reads it in block/partitions/msdos.c). Pure.
 * @module
 */

export interface Partition {
  /** 0x0e FAT16 by LBA, 0x83 Linux. */
  readonly type: number;
  readonly startMiB: number;
  readonly sizeMiB: number;
  /** Where the boot code goes on. */
  readonly active: boolean;
}

const sectorBytes = 512;
const sectorsPerMiB = (1024 * 1024) / sectorBytes;
const codeBytes = 440;
const tableAt = 446;
const entryBytes = 16;
/** Cylinder, head and sector where they cannot be told: whoever reads them takes the sector's number instead. */
const beyondGeometry = [0xfe, 0xff, 0xff];

/** @throws RangeError for more than four partitions, or boot code that does not fit */
export function bootRecordOf(code: Uint8Array, partitions: readonly Partition[]): Buffer {
  if (partitions.length > 4) throw new RangeError(`${partitions.length} partitions: a boot record has four`);
  if (code.length > codeBytes) throw new RangeError(`boot code has ${code.length} bytes, and may have ${codeBytes}`);
  const record = Buffer.alloc(sectorBytes);
  record.set(code);
  for (const [index, { type, startMiB, sizeMiB, active }] of partitions.entries()) {
    const at = tableAt + index * entryBytes;
    record.set([active ? 0x80 : 0, ...beyondGeometry, type, ...beyondGeometry], at);
    record.writeUInt32LE(startMiB * sectorsPerMiB, at + 8);
    record.writeUInt32LE(sizeMiB * sectorsPerMiB, at + 12);
  }
  record.writeUInt16BE(0x55aa, sectorBytes - 2);
  return record;
}
