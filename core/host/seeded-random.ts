/** Random numbers that depend on the seed only, for tests and the simulator. @module */
import { createHash } from 'node:crypto';
import type { Random } from './host.ts';

export interface SeededRandom extends Random {
  /** A number in [0, 1). */
  fraction(): number;
  /** A generator of its own, so that one consumer's draws do not shift those of another. */
  fork(): SeededRandom;
}

/** The same seed gives the same bytes, UUIDs and fractions in the same order: SHA-256 of seed and counter. */
export function seededRandom(seed: number | string): SeededRandom {
  let block = Buffer.alloc(0);
  let used = 0;
  let counter = 0;
  const nextByte = (): number => {
    if (used === block.length) {
      block = createHash('sha256').update(`${seed}/${counter++}`).digest();
      used = 0;
    }
    return block[used++] as number;
  };
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, nextByte);
  return {
    bytes,
    uuid() {
      const raw = bytes(16);
      raw[6] = ((raw[6] as number) & 0x0f) | 0x40; // version 4
      raw[8] = ((raw[8] as number) & 0x3f) | 0x80; // variant of RFC 9562
      const hex = Buffer.from(raw).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    },
    fraction: () => Buffer.from(bytes(4)).readUInt32BE() / 2 ** 32,
    fork: () => seededRandom(Buffer.from(bytes(16)).toString('hex')),
  };
}
