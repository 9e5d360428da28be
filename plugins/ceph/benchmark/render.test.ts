import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { benchmarkView } from './operations.ts';
import { change, differences, renderBenchmark, renderBenchmarks } from './render.ts';
import { tests } from './tests.ts';

const context = { width: 200, colour: false, nowMs: 0 };
const view = (more: object = {}) =>
  benchmarkView.parse({
    ...{ benchmark: '20300102-030405', state: 'done', pool: 'vms', node: 'hv1', seconds: 15, sizeBytes: 2 ** 30 },
    ...{ createdMs: Date.UTC(2030, 0, 2, 3, 4, 5), endedMs: 0, message: null, imageLeft: false },
    conditions: {
      ...{ cephVersions: ['16.2.15'], fioVersion: 'fio-3.33', osds: 3, replicas: 3, health: 'ok' },
      ...{ cpus: 2, cpuModel: 'A CPU', kernel: '6.1' },
    },
    results: tests.map(({ name, blockBytes }) => ({
      ...{ test: name, bytesPerS: 100 * blockBytes, iops: 100 },
      ...{ latencyMs: { mean: 1.5, p95: 3, p99: 30 }, clientCores: 0.5, nodeCpuShare: 0.25 },
    })),
    ...more,
  });

describe('benchmarks', () => {
  it('stand below each other', () => {
    const text = renderBenchmarks([view(), view({ state: 'running', results: [] })], context);
    assert.match(text, /20300102-030405\s+vms\s+hv1\s+done\s+400 MiB\/s\s+400 MiB\/s\s+100\/s/);
    assert.match(text, /running\s+-\s+-/);
  });

  it('show their results and conditions', () => {
    const text = renderBenchmark(view(), context);
    assert.match(text, /random read, one by one\s+400 KiB\/s\s+100\/s\s+1.50 ms\s+3.00 ms\s+30 ms\s+0.50 cores\s+25 %/);
    assert.match(text, /Ceph 16.2.15, fio-3.33, Linux 6.1/);
  });

  it('show how they differ, also in what was measured', () => {
    const faster = view({ seconds: 60, results: view().results.map((one) => ({ ...one, iops: 2 * one.iops })) });
    const text = renderBenchmark({ ...faster, other: view() }, context);
    assert.match(text, /sequential read, 64 at once\s+400 MiB\/s\s+0 %\s+200\/s\s+\+100 %/);
    assert.match(text, /Each test: 60 s .*; before: 15 s/);
    assert.deepEqual(differences(view(), view()), []);
  });

  it('that failed say why', () =>
    assert.match(
      renderBenchmark(view({ state: 'failed', message: 'no fio', imageLeft: true }), context),
      /failed: no fio[\s\S]*could not be removed/,
    ));

  for (const [now, before, text] of [
    [110, 100, '+10 %'],
    [90, 100, '-10 %'],
    [1, 0, '-'],
  ] as const)
    it(`${before} that becomes ${now} is ${text}`, () => assert.equal(change(now, before), text));
});
