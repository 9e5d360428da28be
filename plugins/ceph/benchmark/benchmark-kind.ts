/** A benchmark of the storage: what was measured, under which conditions, and with which result. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { poolName } from '../pool/pool-kind.ts';

/** When it was begun: `20300102-030405`. */
export const benchmarkId = z
  .string()
  .regex(/^\d{8}-\d{6}$/, 'a benchmark is named by its time, as 20300102-030405')
  .describe('the benchmark, as `pvc storage benchmark list` shows it');

export const benchmarkSeconds = z.int().min(1).max(600).describe('how long each of the six tests takes');

export const benchmarkSpec = z.strictObject({
  pool: poolName,
  node: names.nodeName,
  seconds: benchmarkSeconds,
  sizeBytes: z.int(),
  createdMs: z.int(),
});
export type BenchmarkSpec = z.infer<typeof benchmarkSpec>;

export const testResult = z.strictObject({
  /** Of `tests.ts`: `rand-read-4k-q64`. */
  test: z.string(),
  bytesPerS: z.number(),
  iops: z.number(),
  /** From the request to its end. */
  latencyMs: z.strictObject({ mean: z.number(), p95: z.number(), p99: z.number() }),
  /** Cores that the client (fio with librbd) kept busy. */
  clientCores: z.number(),
  /** Share of all cores of the node that was busy with anything, 0 to 1. */
  nodeCpuShare: z.number(),
});
export type TestResult = z.infer<typeof testResult>;

/** What results depend on besides the disks. */
export const conditions = z.strictObject({
  cephVersions: z.array(z.string()),
  fioVersion: z.string(),
  osds: z.int(),
  replicas: z.int(),
  health: z.string(),
  cpus: z.int(),
  cpuModel: z.string(),
  kernel: z.string(),
});
export type Conditions = z.infer<typeof conditions>;

export const benchmarkStatus = z.strictObject({
  state: z.enum(['running', 'done', 'failed']),
  conditions,
  results: z.array(testResult),
  endedMs: z.int().optional(),
  /** Why it failed. */
  message: z.string().optional(),
  /** Its image could not be removed; the removal of the benchmark tries again. */
  imageLeft: z.boolean().optional(),
});
export type BenchmarkStatus = z.infer<typeof benchmarkStatus>;

export const benchmark = defineKind<BenchmarkSpec, BenchmarkStatus>({
  name: 'benchmark',
  plural: 'benchmarks',
  version: 1,
  id: benchmarkId,
  spec: benchmarkSpec,
  status: benchmarkStatus,
  concerns: (spec) => [spec.node],
  command: 'storage benchmark',
});

/** Made for it alone, and removed with it. */
export const imageOf = (id: string, { pool }: Pick<BenchmarkSpec, 'pool'>): string => `${pool}/pvc-benchmark-${id}`;

export const benchmarkError = defineErrors({
  BENCHMARK_NOT_FOUND: {
    message: 'There is no benchmark {benchmark}.',
    hint: 'See `pvc storage benchmark list`.',
    http: 404,
    exit: 'notFound',
  },
  BENCHMARK_RUNS: {
    message: 'The benchmark {benchmark} is running on {node}; two at once would measure each other.',
    hint: 'Wait for its end, or cancel its task: `pvc task list`, `pvc task cancel ID`.',
    http: 409,
    exit: 'refused',
  },
  BENCHMARK_NO_ROOM: {
    message:
      'There is no room for an image of {wanted} in the pool {pool}: {free} are free, and {limit} shall not be passed.',
    hint: 'Choose a smaller one with --size, add disks, or remove volumes.',
    http: 409,
    exit: 'refused',
  },
  BENCHMARK_IMAGE: {
    message: 'The pool has an image {image} already, which no benchmark has made.',
    hint: 'See it with `rbd info {image}` on a node, and remove it there if nobody needs it.',
    http: 409,
    exit: 'conflict',
  },
  BENCHMARK_BUSY: {
    message: 'The image {image} is still open: {reason}.',
    hint: 'See `rbd status {image}` on a node; a client that died is forgotten after half a minute.',
    http: 409,
    exit: 'failed',
  },
  BENCHMARK_FIO: {
    message: 'The test {test} failed: {reason}',
    hint: 'The program fio (Debian package fio) must be on that node; see `pvc storage status`.',
    http: 502,
    exit: 'failed',
  },
});
