import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Lasting } from './lasting.ts';

it('a trouble lasts when two looks in a row have found it', () => {
  const lasting = new Lasting();
  assert.deepEqual(lasting.of(['a', 'b']), []);
  assert.deepEqual(lasting.of(['b', 'c']), ['b']);
  assert.deepEqual(lasting.of(['a', 'b', 'c']), ['b', 'c']);
  assert.deepEqual(lasting.of([]), []);
  assert.deepEqual(lasting.of(['a']), []);
});
