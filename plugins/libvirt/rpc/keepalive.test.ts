import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Keepalive } from './keepalive.ts';

/** A keepalive whose timer fires when the test says so, however late. */
const rig = () => {
  const seen = { pings: 0, dead: 0, delaysMs: [] as number[] };
  let timer: (() => void) | undefined;
  const clock = {
    monotonicMs: () => 0,
    wallMs: () => 0,
    sleep: () => Promise.reject(new Error('not used')),
    after: (ms: number, fn: () => void) => {
      seen.delaysMs.push(ms);
      timer = fn;
      return () => {
        timer = undefined;
      };
    },
  };
  const keepalive = new Keepalive({ clock, silenceMs: 8_000, ping: () => seen.pings++, dead: () => seen.dead++ });
  const tick = (times = 1): void => {
    for (let count = 0; count < times; count++) {
      const fire = timer;
      timer = undefined;
      fire?.();
    }
  };
  return { keepalive, seen, tick, ticking: () => timer !== undefined };
};

describe('keepalive', () => {
  it('gives up at the fifth tick of silence, 8 to 10 s after the last sign of life when that is 8 s', () => {
    const { seen, tick } = rig();
    tick(4);
    assert.deepEqual([seen.pings, seen.dead, new Set(seen.delaysMs)], [3, 0, new Set([2_000])]);
    tick();
    assert.equal(seen.dead, 1);
  });

  it('starts over with every sign of life', () => {
    const { keepalive, seen, tick } = rig();
    for (let round = 0; round < 10; round++) {
      tick(4);
      keepalive.heard();
    }
    assert.equal(seen.dead, 0);
  });

  it('does not ping a busy connection', () => {
    const { keepalive, seen, tick } = rig();
    for (let round = 0; round < 10; round++) {
      keepalive.heard();
      tick();
    }
    assert.equal(seen.pings, 0);
  });

  it('takes a pause of its own process for one tick, not for silence', () => {
    const { keepalive, seen, tick } = rig();
    tick(2);
    keepalive.heard();
    // SIGSTOP for an hour: the timer fires once, late; only then is the pong in the socket read.
    tick();
    assert.equal(seen.dead, 0);
    keepalive.heard();
    tick(4);
    assert.equal(seen.dead, 0);
  });

  it('does not count while the connection is not being read', () => {
    const { keepalive, seen, tick } = rig();
    keepalive.pause(true);
    tick(100);
    assert.deepEqual([seen.pings, seen.dead], [0, 0]);
    keepalive.pause(false);
    tick(5);
    assert.equal(seen.dead, 1);
  });

  it('stops', () => {
    const { keepalive, ticking } = rig();
    keepalive.stop();
    assert.equal(ticking(), false);
  });
});
