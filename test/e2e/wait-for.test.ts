import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { waitFor } from './wait-for.ts';

describe('waitFor', () => {
  it('returns the first value that is there', async () => {
    let calls = 0;
    const found = await waitFor('the third call', () => (++calls === 3 ? { calls } : undefined), { everyMs: 1 });
    assert.deepEqual(found, { calls: 3 });
    assert.equal(await waitFor('a zero', () => 0), 0);
  });

  it('tells what it waited for, what it saw last and the evidence', async () => {
    const options = { timeoutMs: 5, everyMs: 1, evidence: () => 'the log' };
    await assert.rejects(
      waitFor('a wonder', () => false, options),
      /waited 0.015 s for: a wonder\nlast seen: false\nthe log/,
    );
    const failing = () => {
      throw new Error('no route');
    };
    await assert.rejects(waitFor('a wonder', failing, { timeoutMs: 5, everyMs: 1 }), /last error: no route/);
  });
});
