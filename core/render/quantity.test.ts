import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  formatAgo,
  formatBytes,
  formatDuration,
  formatInstant,
  formatMiB,
  formatShare,
  formatTime,
} from './quantity.ts';

describe('amounts and times', () => {
  it('gives bytes in the largest unit that reads well', () => {
    const cases: [number, string][] = [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1 KiB'],
      [1536, '1.5 KiB'],
      [1024 ** 2 - 1, '1 MiB'],
      [5 * 1024 ** 3, '5 GiB'],
      [-2048, '-2 KiB'],
    ];
    for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
    assert.equal(formatMiB(2048), '2 GiB');
    assert.equal(formatMiB(1500), '1.5 GiB');
  });

  it('gives a duration in its two largest parts', () => {
    const cases: [number, string][] = [
      [0, '0 ms'],
      [350.4, '350 ms'],
      [1234, '1.2 s'],
      [12_000, '12 s'],
      [59_999, '1 min'],
      [65_000, '1 min 5 s'],
      [7_200_000, '2 h'],
      [273_600_000, '3 d 4 h'],
      [-5000, '-5 s'],
    ];
    for (const [durationMs, text] of cases) assert.equal(formatDuration(durationMs), text);
  });

  it('says how long ago', () => {
    const now = Date.UTC(2030, 0, 1);
    assert.equal(formatAgo(now - 500, now), 'just now');
    assert.equal(formatAgo(now - 59_000, now), '59 s ago');
    assert.equal(formatAgo(now - 185_000, now), '3 min ago');
    assert.equal(formatAgo(now - 7_200_000, now), '2 h ago');
    assert.equal(formatAgo(now - 5 * 86_400_000, now), '5 d ago');
    assert.equal(formatAgo(now + 120_000, now), 'in 2 min');
    assert.equal(formatInstant(now), '2030-01-01 00:00:00Z');
    assert.equal(formatTime(now - 60_000, now), '1 min ago (2029-12-31 23:59:00Z)');
    assert.equal(formatShare(0.424), '42 %');
  });
});
