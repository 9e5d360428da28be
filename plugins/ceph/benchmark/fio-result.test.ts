import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recording } from '../../../test/fixtures/recording.ts';
import { cpuSeconds } from './cpu-time.ts';
import { fioResult } from './fio-result.ts';
import { fioArgs, tests } from './tests.ts';

describe('what fio tells', () => {
  for (const test of tests)
    it(`of ${test.name} is read as it was recorded`, () => {
      const { argv, stdout, stderr } = recording(`fio/bookworm/${test.name}`);
      assert.deepEqual(argv.slice(argv.indexOf('fio') + 1), fioArgs(test, 'vms/pvc-benchmark-record', 3));
      const { latencyMs, ...found } = fioResult(test, stdout);
      assert.equal(found.test, test.name);
      // What is moved is requests times their size; what was under way when counting began is in one figure only, and in
      // a recording of three seconds that is much.
      const ratio = found.bytesPerS / (found.iops * test.blockBytes);
      assert.ok(ratio > 0.7 && ratio < 1.5, `${ratio}`);
      // Little's law: requests under way are their rate times their latency.
      const underWay = (found.iops * latencyMs.mean) / 1000;
      assert.ok(underWay > test.depth * 0.5 && underWay < test.depth * 2, `${underWay} under way`);
      assert.ok(latencyMs.p95 <= latencyMs.p99 && latencyMs.p95 > 0);
      assert.ok((cpuSeconds(stderr) ?? 0) > 0, 'the time of all threads is told');
    });

  const [read] = tests;
  const good = recording('fio/bookworm/seq-read-4m-q64').stdout;
  for (const [what, text, code] of [
    ['notes before it', `fio: this is a note\n${good}`, undefined],
    ['half of it', good.slice(0, good.length / 2), 'CEPH_STRANGE'],
    ['nothing', '', 'CEPH_STRANGE'],
    ['that the job failed', good.replace(/"error" : 0/, '"error" : 5'), 'BENCHMARK_FIO'],
    ['that nothing was read', good.replace(/"total_ios" : \d+/, '"total_ios" : 0'), 'BENCHMARK_FIO'],
  ] as const)
    it(`${code === undefined ? 'is read with' : 'is no result when it is'} ${what}`, () => {
      assert.ok(read);
      if (code === undefined) assert.ok(fioResult(read, text).bytesPerS > 0);
      else assert.throws(() => fioResult(read, text), { code });
    });
});
