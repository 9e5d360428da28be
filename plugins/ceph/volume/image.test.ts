import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { progressIn } from './image.ts';

describe('progress of rbd and qemu-img', () => {
  for (const [text, fraction] of [
    ['\rImage flatten: 12% complete...', 0.12],
    ['\rImage flatten: 12% complete...\rImage flatten: 13% complete...', 0.13],
    ['\rImage flatten: 100% complete...done.\n', 1],
    ['    (0.00/100%)\r', 0],
    ['    (37.51/100%)\r    (38.50/100%)\r', 0.385],
    ['Rolling back to snapshot: 7% complete...', 0.07],
    ['', undefined],
    ['warning: something', undefined],
  ] as const)
    it(`${JSON.stringify(text)} is ${fraction}`, () => assert.equal(progressIn(text), fraction));
});
