import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generate } from './generate.ts';
import { plants } from './plants.ts';
import { runCase } from './run.ts';

/**
 * For each bug the rule that it breaks, and a seed that showed it. Where the daemons came to take their steps at other
 * moments another seed shows it: those up to `mostSeeds` are tried.
 */
const caught: Readonly<Record<string, readonly [seed: number, rule: string]>> = {
  'late-write': [12, 'stale-term'],
  unbooked: [21, 'overbooked'],
  swallowed: [23, 'two-holders'],
  deaf: [1, 'not-prompt'],
  unfenced: [6, 'two-copies'],
  misread: [3, 'false-proof'],
  toothless: [1, 'false-proof'],
  'endless-lease': [7, 'two-holders'],
  lawless: [9, 'rule-broken'],
  lingering: [15, 'two-answer'],
  'address-late': [1, 'two-holders'],
};
const mostSeeds = 80;

describe('a bug planted into the world', () => {
  it('has a case here, whichever it is', () => {
    assert.deepEqual(Object.keys(caught).sort(), plants.map(({ name }) => name).sort());
  });

  for (const plant of plants) {
    const [seed, rule] = caught[plant.name] ?? assert.fail(`no case for ${plant.name}`);
    it(`is caught: ${plant.name} (${plant.summary})`, async () => {
      const seeds = new Set([seed, ...Array.from({ length: mostSeeds }, (_, at) => at + 1)]);
      for (const one of seeds) {
        const { violations } = await runCase(generate(one), { plant, probe: true });
        if (!violations.some((violation) => violation.rule === rule)) continue;
        const sound = await runCase(generate(one), { probe: true });
        assert.deepEqual(sound.violations, []);
        return;
      }
      assert.fail(`none of ${seeds.size} seeds shows it`);
    });
  }
});
