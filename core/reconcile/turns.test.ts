import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Turns } from './turns.ts';

describe('work in turn', () => {
  it('never overlaps, and goes on after one that failed', async () => {
    const turns = new Turns();
    const done: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.take(async () => {
      await gate.promise;
      done.push('first');
      throw new Error('it fails');
    });
    const second = turns.take(async () => {
      done.push('second');
      return 2;
    });
    assert.deepEqual(done, []);
    gate.resolve();
    await assert.rejects(first, /it fails/);
    assert.equal(await second, 2);
    assert.deepEqual(done, ['first', 'second']);
  });
});
