/** Benchmarks of the storage: run, list, show and compare, remove. @module */
import {
  type Doc,
  defineMutation,
  defineQuery,
  formatBytes,
  formatShare,
  names,
  node as nodeKind,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needPool } from '../pool/operations.ts';
import { poolFigures } from '../pool/pool-figures.ts';
import { pool as poolKind, poolName } from '../pool/pool-kind.ts';
import { fits, roomLimit } from '../volume/room.ts';
import {
  type BenchmarkSpec,
  type BenchmarkStatus,
  benchmark,
  benchmarkError,
  benchmarkId,
  benchmarkSeconds,
  benchmarkStatus,
  conditions,
} from './benchmark-kind.ts';
import { fillTimeoutMs, testTimeoutMs } from './measure.ts';
import { renderBenchmark, renderBenchmarks } from './render.ts';
import { tests } from './tests.ts';

/** What the image's making, a client that is forgotten and the removal may take besides. */
const besidesMs = 900_000;
const removeTimeoutMs = 900_000;

export const benchmarkView = z.object({
  benchmark: z.string(),
  state: benchmarkStatus.shape.state,
  pool: z.string(),
  node: z.string(),
  seconds: z.int(),
  sizeBytes: z.number(),
  createdMs: z.int(),
  endedMs: z.int().nullable(),
  message: z.string().nullable().describe('why it failed'),
  imageLeft: z.boolean().describe('its image could not be removed; the removal of the benchmark tries again'),
  conditions: conditions.nullable(),
  results: benchmarkStatus.shape.results,
});
export type BenchmarkView = z.output<typeof benchmarkView>;

const viewOf = ({ id, spec, status }: Doc<BenchmarkSpec, BenchmarkStatus>): BenchmarkView => ({
  benchmark: id,
  state: status?.state ?? 'running',
  pool: spec.pool,
  node: spec.node,
  seconds: spec.seconds,
  sizeBytes: spec.sizeBytes,
  createdMs: spec.createdMs,
  endedMs: status?.endedMs ?? null,
  message: status?.message ?? null,
  imageLeft: status?.imageLeft ?? false,
  conditions: status?.conditions ?? null,
  results: status?.results ?? [],
});

/** `20300102-030405`, in universal time. */
const idAt = (nowMs: number): string =>
  new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');

/** @throws PvcError BENCHMARK_NOT_FOUND */
async function needBenchmark(view: View, id: string): Promise<Doc<BenchmarkSpec, BenchmarkStatus>> {
  const doc = await view.get(benchmark, id);
  if (doc === undefined) throw benchmarkError('BENCHMARK_NOT_FOUND', { benchmark: id });
  return doc;
}

const argument = { field: 'benchmark', complete: 'benchmark' } as const;

export function benchmarkOperations(ceph: () => CephCommand) {
  return [
    defineMutation({
      name: 'benchmark.run',
      summary: 'Measure a pool: bandwidth, requests per second and latency, as a guest without a cache would see them',
      description:
        'Makes an image of its own, fills it, reads and writes it with fio through librbd (4 MiB in sequence and 4 KiB at random with 64 requests at once, and 4 KiB one by one), and removes it. Guests feel it while it lasts.',
      http: { method: 'POST', path: '/storage/benchmarks' },
      cli: {
        command: 'storage benchmark run',
        arguments: [{ field: 'pool', complete: 'pool' }],
        options: { node: { complete: 'node' }, sizeBytes: { flag: 'size', value: 'SIZE' } },
        confirm: 'Load the pool {pool} as much as it can bear?',
        waits: true,
        examples: ['pvc storage benchmark run vms', 'pvc storage benchmark run vms --node hv2 --seconds 60 --size 10G'],
      },
      role: 'admin',
      input: z.strictObject({
        pool: poolName,
        node: names.nodeName.optional().describe('where fio runs; the node that is asked unless given'),
        seconds: benchmarkSeconds.default(15),
        sizeBytes: z
          .int()
          .min(64 * 1024 ** 2)
          .max(1024 ** 4)
          .default(1024 ** 3)
          .describe('size of the image; more than the disks’ caches hold tells more'),
      }),
      output: z.object({ benchmark: z.string(), node: z.string() }),
      async plan(plan, { view, nowMs, localNode }, { pool, seconds, sizeBytes, ...wish }) {
        await needStorage(view);
        plan.unchanged(poolKind, await needPool(view, pool));
        const node = (await view.need(nodeKind, wish.node ?? localNode ?? (await view.primary()) ?? '-')).id;
        const runs = (await view.list(benchmark)).find(({ status }) => (status?.state ?? 'running') === 'running');
        if (runs !== undefined) throw benchmarkError('BENCHMARK_RUNS', { benchmark: runs.id, node: runs.spec.node });
        const figures = (await poolFigures(ceph())).get(pool);
        if (figures !== undefined && !fits(figures, sizeBytes))
          throw benchmarkError('BENCHMARK_NO_ROOM', {
            ...{ pool, wanted: formatBytes(sizeBytes), free: formatBytes(figures.freeBytes) },
            limit: formatShare(roomLimit),
          });
        const id = idAt(nowMs);
        plan.create(benchmark, id, { pool, node, seconds, sizeBytes, createdMs: Math.round(nowMs) });
        plan.task({
          action: 'benchmark.run',
          target: { kind: 'benchmark', id, label: id },
          node,
          input: null,
          timeoutMs: besidesMs + fillTimeoutMs(sizeBytes) + tests.length * testTimeoutMs(seconds),
        });
        plan.act(`measure the pool ${pool} from ${node} for about ${tests.length * seconds} s`);
        return { benchmark: id, node };
      },
    }),
    defineQuery({
      name: 'benchmark.list',
      summary: 'List benchmarks, newest first',
      http: { method: 'GET', path: '/storage/benchmarks' },
      cli: { command: 'storage benchmark list', render: renderBenchmarks, nameField: 'benchmark' },
      role: 'viewer',
      input: z.strictObject({}),
      output: z.array(benchmarkView),
      run: async ({ view }) =>
        (await view.list(benchmark)).toSorted((a, b) => (a.id < b.id ? 1 : -1)).map((doc) => viewOf(doc)),
    }),
    defineQuery({
      name: 'benchmark.info',
      summary: 'Show a benchmark, and how it differs from another',
      http: { method: 'GET', path: '/storage/benchmarks/{benchmark}' },
      cli: {
        command: 'storage benchmark info',
        arguments: [argument, { field: 'other', complete: 'benchmark' }],
        render: renderBenchmark,
      },
      role: 'viewer',
      input: z.strictObject({
        benchmark: benchmarkId,
        other: benchmarkId.optional().describe('an earlier one, to compare with'),
      }),
      output: benchmarkView.extend({ other: benchmarkView.optional() }),
      async run({ view }, input) {
        const shown = viewOf(await needBenchmark(view, input.benchmark));
        return input.other === undefined ? shown : { ...shown, other: viewOf(await needBenchmark(view, input.other)) };
      },
    }),
    defineMutation({
      name: 'benchmark.remove',
      summary: 'Forget a benchmark',
      http: { method: 'DELETE', path: '/storage/benchmarks/{benchmark}' },
      cli: {
        command: 'storage benchmark remove',
        aliases: ['rm'],
        arguments: [argument],
        confirm: 'Forget the benchmark {benchmark}?',
        waits: true,
      },
      role: 'admin',
      input: z.strictObject({ benchmark: benchmarkId }),
      output: z.object({ benchmark: z.string() }),
      async plan(plan, { view }, { benchmark: id }) {
        const doc = await needBenchmark(view, id);
        if ((doc.status?.state ?? 'running') === 'running')
          throw benchmarkError('BENCHMARK_RUNS', { benchmark: id, node: doc.spec.node });
        plan.unchanged(benchmark, doc);
        plan.task({
          action: 'benchmark.remove',
          target: { kind: 'benchmark', id, label: id },
          node: undefined,
          input: null,
          timeoutMs: removeTimeoutMs,
        });
        plan.act(`forget the benchmark ${id}${doc.status?.imageLeft === true ? ', and remove its image' : ''}`);
        return { benchmark: id };
      },
    }),
  ];
}
