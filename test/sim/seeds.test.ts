import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { generate } from './generate.ts';
import { runCase } from './run.ts';
import { formatLine } from './trace.ts';
import { runJobs } from './workers.ts';

/** Some of the seeds that `npm run sim` goes through by the thousand. */
const jobs = Array.from({ length: 200 }, (_, index) => ({ seed: index + 1, log: false }));

describe('the simulator', () => {
  it('finds no rule broken in random worlds in which random things go wrong', async () => {
    for await (const { seed, violations } of runJobs(jobs, { workers: availableParallelism() }))
      assert.deepEqual(violations, [], `seed ${seed}; see it: npm run sim -- --seed ${seed} --log`);
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
