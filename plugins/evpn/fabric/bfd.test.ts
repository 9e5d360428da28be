import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readWatched } from './bfd.ts';

const peer = (address: string, status: string) => ({ multihop: false, peer: address, vrf: 'default', status });

describe('who is there by BFD', () => {
  it('is whoever answers', () => {
    const told = [peer('10.10.0.12', 'up'), peer('10.10.0.13', 'down'), peer('fd00:2::1', 'up'), peer('x', 'init')];
    assert.deepEqual(readWatched(JSON.stringify(told)), new Set(['10.10.0.12', 'fd00:2::1']));
    assert.deepEqual(readWatched('[]'), new Set());
  });

  it('is not known from half an answer', () => {
    for (const text of ['', '[{"peer":"10.10.0.12"', 'bfdd is not running', '[{"peer":"10.10.0.12"}]', '{}'])
      assert.throws(() => readWatched(text));
  });
});
