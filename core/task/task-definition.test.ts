import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../error/error.ts';
import { orUndo, writtenBy } from './task-definition.ts';
import type { TaskSpec } from './task-kind.ts';

describe('what a task writes', () => {
  it('ends with the term of the primary, unless a node has it', () => {
    assert.deepEqual(writtenBy({ spec: {} as TaskSpec }), { asPrimary: true });
    assert.deepEqual(writtenBy({ spec: { node: 'hv1' } as TaskSpec }), { asPrimary: false });
  });
});

describe('what a task does, or takes back', () => {
  const away = (code: string) => new PvcError(code, code, { hint: 'h', http: 503, exit: 'unreachable' });

  for (const [what, aborted, error, undone] of [
    ['is taken back when it fails for good', false, new Error('no room'), true],
    ['is begun again when the store is away', false, away('STORE_UNAVAILABLE'), false],
    ['is begun again when it is not known whether the store took it', false, away('STORE_UNKNOWN'), false],
    ['is left to its next life, or to `abandoned`, when it is cut off', true, new Error('the daemon stops'), false],
  ] as const)
    it(what, async () => {
      const cut = new AbortController();
      if (aborted) cut.abort();
      const told: unknown[] = [];
      const doing = orUndo(
        { signal: cut.signal },
        () => Promise.reject(error),
        async (reason) => void told.push(reason),
      );
      await assert.rejects(doing, error);
      assert.deepEqual(told, undone ? [error] : []);
    });

  it('is not taken back when it is done', async () =>
    assert.equal(
      await orUndo(
        { signal: new AbortController().signal },
        async () => 7,
        () => assert.fail('taken back'),
      ),
      7,
    ));
});
