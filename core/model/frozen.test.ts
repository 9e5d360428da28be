import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { frozen } from './frozen.ts';

describe('frozen data', () => {
  it('can be changed nowhere', () => {
    const value = { name: 'a', list: [{ deep: [1, 2] }], none: null, not: undefined };
    assert.equal(frozen(value), value);
    assert.throws(() => (value.name = 'b'), TypeError);
    assert.throws(() => value.list.push({ deep: [] }), TypeError);
    assert.throws(() => value.list[0]?.deep.reverse(), TypeError);
    assert.deepEqual(value, { name: 'a', list: [{ deep: [1, 2] }], none: null, not: undefined });
  });

  it('may be a value', () => {
    for (const value of [null, undefined, 1, 'a']) assert.equal(frozen(value), value);
  });
});
