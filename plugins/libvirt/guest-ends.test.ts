/** How the ends of a guest are counted. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuestEnds } from './guest-ends.ts';

describe('the ends of a guest', () => {
  it('count together while they follow one another, each guest for itself', () => {
    let nowMs = 1_000;
    const ends = new GuestEnds(() => nowMs);
    assert.equal(ends.of('a').count, 0);
    ends.note('a', 'crashed');
    nowMs += 299_000;
    ends.note('a', 'shutdown');
    assert.deepEqual(ends.of('a'), { count: 2, lastMs: 300_000, reason: 'shutdown' });
    assert.equal(ends.of('b').count, 0);
    nowMs += 300_000;
    assert.equal(ends.of('a').count, 2);
    nowMs += 1;
    assert.equal(ends.of('a').count, 0);
    ends.note('a', 'crashed');
    assert.equal(ends.of('a').count, 1);
  });

  it('are forgotten when they were meant', () => {
    const ends = new GuestEnds(() => 0);
    ends.note('a', 'destroyed');
    ends.forget('a');
    assert.equal(ends.of('a').count, 0);
  });
});
