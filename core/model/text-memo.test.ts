import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TextMemo } from './text-memo.ts';

describe('a memo of texts', () => {
  it('makes each value once while it is asked for, and again when it was pushed out', () => {
    const memo = new TextMemo<{ length: number }>(10);
    const made: string[] = [];
    const get = (text: string) =>
      memo.get(text, (one) => {
        made.push(one);
        return { length: one.length };
      });
    assert.equal(get('aaaa'), get('aaaa'));
    assert.deepEqual(made, ['aaaa']);
    get('bbbb');
    get('cccc');
    // A generation has passed: what is asked for again stays, …
    get('aaaa');
    assert.deepEqual(made, ['aaaa', 'bbbb', 'cccc']);
    get('dddd');
    get('eeee');
    get('aaaa');
    assert.deepEqual(made, ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']);
    // … and what is not goes.
    get('bbbb');
    assert.deepEqual(made.at(-1), 'bbbb');
  });

  it('does not keep a text that is larger than everything it may keep', () => {
    const memo = new TextMemo<object>(3);
    assert.notEqual(
      memo.get('long', () => ({})),
      memo.get('long', () => ({})),
    );
  });

  it('remembers no failure', () => {
    const memo = new TextMemo<string>(10);
    assert.throws(
      () =>
        memo.get('a', () => {
          throw new Error('not a document');
        }),
      /not a document/,
    );
    assert.equal(
      memo.get('a', () => 'now it is'),
      'now it is',
    );
  });

  it('says of what it remembers what a fresh look says', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 6 }), { maxLength: 60 }), (texts) => {
        const memo = new TextMemo<string>(12);
        for (const text of texts)
          assert.equal(
            memo.get(text, (one) => `${one}!`),
            `${text}!`,
          );
      }),
    );
  });
});
