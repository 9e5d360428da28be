/**
 * Chance for the simulator: as repeatable as `seededRandom` of core/host, and some ten times quicker, since a run draws
 * hundreds of thousands of delays. The generator is sfc32 (Doty-Humphrey, PractRand).
 * @module
 */
import type { SeededRandom } from '../../core/host/seeded-random.ts';

export interface Chance extends SeededRandom {
  fork(): Chance;
  /** A number from `from` to `to`, both included. */
  int(from: number, to: number): number;
  /** A number of milliseconds between the two. */
  ms(from: number, to: number): number;
  /** True with that probability. */
  happens(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
}

/** FNV-1a: spreads a seed of any text over 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return value;
}

export function chance(seed: number | string): Chance {
  let a = hash(`a${seed}`);
  let b = hash(`b${seed}`);
  let c = hash(`c${seed}`);
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  // The first draws still show the seed.
  for (let round = 0; round < 12; round += 1) next();

  const bytes = (length: number): Uint8Array => {
    const drawn = new Uint8Array(length);
    for (let at = 0; at < length; at += 4) {
      const word = next();
      for (let byte = 0; byte < 4 && at + byte < length; byte += 1) drawn[at + byte] = word >>> (8 * byte);
    }
    return drawn;
  };
  const fraction = (): number => next() / 2 ** 32;
  return {
    bytes,
    fraction,
    uuid() {
      const raw = bytes(16);
      raw[6] = ((raw[6] as number) & 0x0f) | 0x40;
      raw[8] = ((raw[8] as number) & 0x3f) | 0x80;
      const hex = Buffer.from(raw).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    },
    fork: () => chance(`${next()}/${next()}`),
    int: (from, to) => from + Math.floor(fraction() * (to - from + 1)),
    ms: (from, to) => from + fraction() * (to - from),
    happens: (probability) => fraction() < probability,
    pick: (list) => list[Math.floor(fraction() * list.length)] as (typeof list)[number],
  };
}
