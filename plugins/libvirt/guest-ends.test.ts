/** How the ends of a guest are counted. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GuestEnds } from './guest-ends.ts';

describe('the ends of a guest', () => {
  it('count together while they follow one another, each guest for itself, however the clock is set', () => {
    let wallMs = 1_000;
    let monotonicMs = 50;
    const ends = new GuestEnds({ wallMs: () => wallMs, monotonicMs: () => monotonicMs });
    assert.equal(ends.of('a').count, 0);
    ends.note('a', 'crashed');
    monotonicMs += 299_000;
    wallMs += 299_000;
    ends.note('a', 'shutdown');
    assert.deepEqual(ends.of('a'), { count: 2, lastMs: 300_000, agoMs: 0, reason: 'shutdown' });
    assert.equal(ends.of('b').count, 0);
    wallMs -= 10_000_000;
    monotonicMs += 300_000;
    assert.deepEqual(ends.of('a'), { count: 2, lastMs: 300_000, agoMs: 300_000, reason: 'shutdown' });
    monotonicMs += 1;
    assert.equal(ends.of('a').count, 0);
    ends.note('a', 'crashed');
    assert.equal(ends.of('a').count, 1);
  });

  it('are crashes when libvirt has told of one before', () => {
    const ends = new GuestEnds({ wallMs: () => 0, monotonicMs: () => 0 });
    ends.crashes('a');
    ends.note('a', 'destroyed');
    assert.equal(ends.of('a').reason, 'crashed');
    ends.note('a', 'destroyed');
    assert.equal(ends.of('a').reason, 'destroyed', 'each for itself');
    ends.crashes('a');
    ends.forget('a');
    ends.note('a', 'shutdown');
    assert.equal(ends.of('a').reason, 'shutdown', 'it was started anew since');
  });

  it('are over once a run has lasted; another run begins anew', () => {
    let monotonicMs = 50;
    const ends = new GuestEnds({ wallMs: () => 0, monotonicMs: () => monotonicMs });
    assert.equal(ends.steadyInMs('a', 1), 300_000);
    monotonicMs += 200_000;
    assert.equal(ends.steadyInMs('a', 1), 100_000);
    assert.equal(ends.steadyInMs('a', 2), 300_000);
    monotonicMs += 400_000;
    assert.equal(ends.steadyInMs('a', 2), 0);
  });

  it('are forgotten when they were meant', () => {
    const ends = new GuestEnds({ wallMs: () => 0, monotonicMs: () => 0 });
    ends.note('a', 'destroyed');
    ends.forget('a');
    assert.equal(ends.of('a').count, 0);
  });
});
