/** Benchmarks as people read them. Pure. @module */
import {
  fields,
  formatBytes,
  formatInstant,
  formatShare,
  page,
  type RenderContext,
  section,
  table,
} from '../../../core/plugin/api.ts';
import type { TestResult } from './benchmark-kind.ts';
import type { BenchmarkView } from './operations.ts';
import { tests } from './tests.ts';

const bandwidth = (result: TestResult | undefined): string =>
  result === undefined ? '-' : `${formatBytes(result.bytesPerS)}/s`;
const rate = (result: TestResult | undefined): string => (result === undefined ? '-' : `${Math.round(result.iops)}/s`);
const milliseconds = (value: number): string => `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;

const resultOf = ({ results }: Pick<BenchmarkView, 'results'>, name: string): TestResult | undefined =>
  results.find(({ test }) => test === name);

export const renderBenchmarks = (rows: readonly BenchmarkView[], context: RenderContext): string =>
  table(
    [
      { title: 'BENCHMARK', keep: true },
      'POOL',
      'NODE',
      { title: 'STATE', state: true },
      'READ 4M',
      'WRITE 4M',
      'READ 4K',
      'WRITE 4K',
      { title: 'READ 1×4K', optional: true },
      { title: 'WRITE 1×4K', optional: true },
    ],
    rows.map((row) => [
      ...[row.benchmark, row.pool, row.node, row.state],
      ...['seq-read-4m-q64', 'seq-write-4m-q64'].map((name) => bandwidth(resultOf(row, name))),
      ...['rand-read-4k-q64', 'rand-write-4k-q64', 'rand-read-4k-q1', 'rand-write-4k-q1'].map((name) =>
        rate(resultOf(row, name)),
      ),
    ]),
    context,
  );

/** `+12 %`, from the other to this one. Pure. */
export const change = (now: number, before: number): string => {
  if (before === 0) return '-';
  const percent = Math.round((100 * (now - before)) / before);
  return `${percent > 0 ? '+' : ''}${percent} %`;
};

const conditionRows = ({ conditions, pool, node, seconds, sizeBytes }: BenchmarkView): [string, string][] => [
  ['Pool', conditions === null ? pool : `${pool}, ${conditions.replicas} replicas`],
  ['Node', conditions === null ? node : `${node}, ${conditions.cpus} × ${conditions.cpuModel}`],
  ['Each test', `${seconds} s on an image of ${formatBytes(sizeBytes)}`],
  ...(conditions === null
    ? []
    : ([
        ['Disks', `${conditions.osds} up, health ${conditions.health}`],
        [
          'Versions',
          `Ceph ${conditions.cephVersions.join(' and ')}, ${conditions.fioVersion}, Linux ${conditions.kernel}`,
        ],
      ] as [string, string][])),
];

/** What differs in the conditions of two, so that nobody compares what cannot be compared. Pure. */
export function differences(one: BenchmarkView, other: BenchmarkView): string[] {
  const [own, theirs] = [conditionRows(one), new Map(conditionRows(other))];
  return own.flatMap(([name, value]) => {
    const before = theirs.get(name);
    return before === undefined || before === value ? [] : [`${name}: ${value}; before: ${before}`];
  });
}

function resultTable(
  { other, ...one }: BenchmarkView & { other?: BenchmarkView | undefined },
  context: RenderContext,
): string {
  const columns = ['BANDWIDTH', 'REQUESTS', 'MEAN', '95 %', '99 %'];
  const compared = other === undefined ? columns : columns.slice(0, 3).flatMap((title) => [title, 'CHANGE']);
  return table(
    [{ title: 'TEST', keep: true }, ...compared, ...(other === undefined ? ['CLIENT', 'NODE CPU'] : [])],
    tests.flatMap(({ name, text, depth }) => {
      const now = resultOf(one, name);
      if (now === undefined) return [];
      const label = depth === 1 ? text : `${text}, ${depth} at once`;
      const { latencyMs } = now;
      const before = other === undefined ? undefined : resultOf(other, name);
      if (other === undefined)
        return [
          [
            ...[label, bandwidth(now), rate(now), milliseconds(latencyMs.mean), milliseconds(latencyMs.p95)],
            ...[milliseconds(latencyMs.p99), `${now.clientCores.toFixed(2)} cores`, formatShare(now.nodeCpuShare)],
          ],
        ];
      const changed = (value: (result: TestResult) => number): string =>
        before === undefined ? '-' : change(value(now), value(before));
      return [
        [
          ...[label, bandwidth(now), changed((one) => one.bytesPerS), rate(now), changed((one) => one.iops)],
          ...[milliseconds(latencyMs.mean), changed((one) => one.latencyMs.mean)],
        ],
      ];
    }),
    context,
  );
}

export function renderBenchmark(
  shown: BenchmarkView & { other?: BenchmarkView | undefined },
  context: RenderContext,
): string {
  const { other } = shown;
  const differing = other === undefined ? [] : differences(shown, other);
  return page(
    fields(
      [
        ['Benchmark', other === undefined ? shown.benchmark : `${shown.benchmark}, compared with ${other.benchmark}`],
        ['State', shown.message === null ? shown.state : `${shown.state}: ${shown.message}`],
        ...(shown.imageLeft
          ? [['Image', 'could not be removed; the removal of the benchmark tries again'] as const]
          : []),
        ['Begun', formatInstant(shown.createdMs)],
        ...conditionRows(shown),
      ],
      context,
    ),
    section('Results', (inner) => resultTable(shown, inner), context),
    differing.length === 0 ? undefined : section('Other conditions', differing.join('\n'), context),
  );
}
