import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generate } from './generate.ts';
import { plants } from './plants.ts';
import { runCase } from './run.ts';

/** For each bug a seed that shows it, and the rule that it breaks; many others do, see `npm run sim -- --plant BUG`. */
const caught: Readonly<Record<string, readonly [seed: number, rule: string]>> = {
  'late-write': [23, 'stale-term'],
  unbooked: [5, 'overbooked'],
  swallowed: [36, 'two-primaries'],
  deaf: [46, 'not-prompt'],
  'address-late': [2, 'two-holders'],
};

describe('a bug planted into the world', () => {
  it('has a case here, whichever it is', () => {
    assert.deepEqual(Object.keys(caught).sort(), plants.map(({ name }) => name).sort());
  });

  for (const plant of plants) {
    const [seed, rule] = caught[plant.name] ?? assert.fail(`no case for ${plant.name}`);
    it(`is caught: ${plant.name} (${plant.summary})`, async () => {
      const sound = await runCase(generate(seed), { probe: true });
      assert.deepEqual(sound.violations, []);
      const { violations } = await runCase(generate(seed), { plant, probe: true });
      assert.deepEqual([...new Set(violations.map((one) => one.rule))], [rule], JSON.stringify(violations));
    });
  }
});
