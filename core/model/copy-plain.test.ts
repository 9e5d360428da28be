import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { copyPlain } from './copy-plain.ts';

describe('a copy of plain data', () => {
  it('is equal and shares nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = copyPlain(value);
        assert.deepEqual(copy, value);
        if (value !== null && typeof value === 'object') assert.notEqual(copy, value);
      }),
    );
    const inner = { list: [{ a: 1 }] };
    const copy = copyPlain(inner);
    assert.notEqual(copy.list[0], inner.list[0]);
  });

  it('refuses what cannot be copied', () => {
    assert.throws(() => copyPlain({ run: () => 1 }), { name: 'DataCloneError' });
  });

  it('keeps what is not plain', () => {
    const value = { at: new Date(5), names: new Map([['a', 1]]), none: undefined };
    assert.deepEqual(copyPlain(value), value);
    assert.notEqual(copyPlain(value).at, value.at);
  });
});
