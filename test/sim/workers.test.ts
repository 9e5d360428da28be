import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type JobResult, runJob } from './job.ts';
import { runJobs, type WorkerOptions } from './workers.ts';

const job = (seed: number) => ({ seed, log: true });

async function results(seeds: readonly number[], options: WorkerOptions): Promise<JobResult[]> {
  const all: JobResult[] = [];
  for await (const result of runJobs(seeds.map(job), options)) all.push(result);
  return all;
}

describe('seeds in several processes', () => {
  it('give the results of one process, in the order of the seeds', async () => {
    const seeds = [5, 3, 4, 2];
    const alone: JobResult[] = [];
    for (const seed of seeds) alone.push(await runJob(job(seed)));
    assert.deepEqual(await results(seeds, { workers: 3 }), alone);
  });

  it('tell a process that dies or hangs as the failure of its seed, and go on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pvc-workers-'));
    const program = join(folder, 'worker.mjs');
    writeFileSync(
      program,
      `process.on('message', ({ seed }) => {
        if (seed === 1) { process.stderr.write('out of luck'); process.exit(3); }
        if (seed !== 2) process.send({ seed, violations: [], log: [] });
      });`,
    );
    try {
      const told = await results([1, 2, 3, 4], { workers: 1, program, timeoutMs: 1_000 });
      assert.deepEqual(
        told.map(({ seed, violations }) => [seed, violations.map((one) => one.rule)]),
        [
          [1, ['crashed']],
          [2, ['hung']],
          [3, []],
          [4, []],
        ],
      );
      assert.match(told[0]?.violations[0]?.text ?? '', /ended with 3: out of luck/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
