import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generate } from './generate.ts';
import { runCase } from './run.ts';
import { formatLine } from './trace.ts';

/** Some of the seeds that `npm run sim` goes through by the thousand. */
const seeds = Array.from({ length: 100 }, (_, index) => index + 1);

describe('the simulator', () => {
  it('finds no rule broken in random worlds in which random things go wrong', async () => {
    for (const seed of seeds) {
      const { violations } = await runCase(generate(seed), { probe: true });
      assert.deepEqual(
        violations.map((one) => `${one.rule}: ${one.text}`),
        [],
        `seed ${seed}; see it: npm run sim -- --from ${seed} --seeds 1 --log`,
      );
    }
  });

  it('writes the same log for the same seed, to the letter', async () => {
    for (const seed of [3, 7]) {
      const once = (await runCase(generate(seed), { daemonLines: true })).lines.map(formatLine);
      const again = (await runCase(generate(seed), { daemonLines: true })).lines.map(formatLine);
      assert.ok(once.length > 20);
      assert.deepEqual(again, once);
    }
  });
});
