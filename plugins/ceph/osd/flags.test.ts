import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isSet, osdFlag } from './flags.ts';

it('a flag is set when Ceph tells it, and pause is what Ceph calls two', () => {
  const told = ['noscrub', 'pauserd', 'pausewr', 'sortbitwise'];
  const set = osdFlag.options.filter((flag) => isSet(flag, told));
  assert.deepEqual(set, ['noscrub', 'pause']);
  assert.ok(!osdFlag.safeParse('sortbitwise').success);
});
