import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VirtualClock } from './virtual-clock.ts';
import { within } from './within.ts';

const late = (): Error => new Error('too late');

it('gives what the work comes to in time, and leaves no timer', async () => {
  const clock = new VirtualClock();
  assert.equal(await within(clock, 100, Promise.resolve('done'), late), 'done');
  await assert.rejects(within(clock, 100, Promise.reject(new Error('no')), late), /^Error: no$/);
  assert.equal(clock.pending, 0);
});

it('gives up on work that takes longer, which may fail later without anybody', async () => {
  const clock = new VirtualClock();
  const slow = clock.sleep(500).then(() => Promise.reject(new Error('nobody hears this')));
  const waiting = within(clock, 100, slow, late);
  const refused = assert.rejects(waiting, /^Error: too late$/);
  await clock.advance(99);
  assert.equal(clock.pending, 2);
  await clock.advance(1);
  await refused;
  assert.equal(clock.pending, 1);
  await clock.advance(1_000);
});
