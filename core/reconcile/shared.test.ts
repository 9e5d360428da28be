import assert from 'node:assert/strict';
import { it } from 'node:test';
import { shared } from './shared.ts';

it('one reading serves all who asked before it began, and nobody who came later', async () => {
  let readings = 0;
  let world = 'old';
  const go = Promise.withResolvers<void>();
  const read = shared(async () => {
    readings += 1;
    const seen = world;
    await go.promise;
    return seen;
  });
  const early = [read(), read()];
  await new Promise(setImmediate);
  world = 'new';
  const late = [read(), read(), read()];
  go.resolve();
  assert.deepEqual(await Promise.all([...early, ...late]), ['old', 'old', 'new', 'new', 'new']);
  assert.equal(readings, 2);
});

it('a reading that fails fails for those who share it, and the next is made all the same', async () => {
  let readings = 0;
  const read = shared(async () => {
    readings += 1;
    if (readings === 1) throw new Error('away');
    return readings;
  });
  await Promise.all([assert.rejects(read(), /away/), assert.rejects(read(), /away/)]);
  assert.equal(await read(), 2);
});
