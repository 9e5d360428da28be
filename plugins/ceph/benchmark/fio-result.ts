/** What fio prints. Pure. @module */
import { z } from '../../../core/plugin/api.ts';
import { parsed } from '../command/ceph-command.ts';
import { benchmarkError, type TestResult } from './benchmark-kind.ts';
import type { Test } from './tests.ts';

const direction = z.looseObject({
  bw_bytes: z.number(),
  iops: z.number(),
  total_ios: z.number(),
  lat_ns: z.looseObject({
    mean: z.number(),
    percentile: z.looseObject({ '95.000000': z.number(), '99.000000': z.number() }).optional(),
  }),
});

const answer = z.looseObject({
  'fio version': z.string(),
  jobs: z.array(z.looseObject({ error: z.int(), read: direction, write: direction })).length(1),
});

const inMs = (nanoseconds: number): number => nanoseconds / 1e6;

export type Measured = Omit<TestResult, 'clientCores' | 'nodeCpuShare'>;

/** @throws PvcError CEPH_STRANGE, BENCHMARK_FIO (nothing was read or written, or fio says that something failed) */
export function fioResult(test: Test, text: string): Measured {
  // Notes to a person may stand before it.
  const { jobs } = parsed(answer, 'fio', text.slice(Math.max(0, text.indexOf('{'))));
  const [job] = jobs;
  const side = test.pattern.endsWith('read') ? job?.read : job?.write;
  const percentile = side?.lat_ns.percentile;
  if (job === undefined || job.error !== 0)
    throw benchmarkError('BENCHMARK_FIO', { test: test.name, reason: `error ${job?.error} in fio’s result` });
  if (side === undefined || side.total_ios === 0 || percentile === undefined)
    throw benchmarkError('BENCHMARK_FIO', { test: test.name, reason: 'nothing was read or written in its time' });
  return {
    test: test.name,
    bytesPerS: side.bw_bytes,
    iops: side.iops,
    latencyMs: {
      mean: inMs(side.lat_ns.mean),
      p95: inMs(percentile['95.000000']),
      p99: inMs(percentile['99.000000']),
    },
  };
}
