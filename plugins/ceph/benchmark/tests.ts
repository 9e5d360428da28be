/** What a benchmark measures, and how fio is told so. Pure. @module */

export interface Test {
  readonly name: string;
  readonly text: string;
  /** fio's word: write, randread … */
  readonly pattern: 'read' | 'write' | 'randread' | 'randwrite';
  readonly blockBytes: number;
  /** Requests that are under way at once. */
  readonly depth: number;
}

const large = 4 * 1024 ** 2;
const small = 4096;

/** In the order in which they run. */
export const tests: readonly Test[] = [
  { name: 'seq-read-4m-q64', text: 'sequential read', pattern: 'read', blockBytes: large, depth: 64 },
  { name: 'seq-write-4m-q64', text: 'sequential write', pattern: 'write', blockBytes: large, depth: 64 },
  { name: 'rand-read-4k-q64', text: 'random read', pattern: 'randread', blockBytes: small, depth: 64 },
  { name: 'rand-write-4k-q64', text: 'random write', pattern: 'randwrite', blockBytes: small, depth: 64 },
  { name: 'rand-read-4k-q1', text: 'random read, one by one', pattern: 'randread', blockBytes: small, depth: 1 },
  { name: 'rand-write-4k-q1', text: 'random write, one by one', pattern: 'randwrite', blockBytes: small, depth: 1 },
];

/** Before it counts: connections are made, queues fill. */
export const rampSeconds = 2;

/** Fills the image: what was never written is read from nowhere, at a speed that no disk has. */
export const filling: Test = { name: 'fill', text: 'the filling', pattern: 'write', blockBytes: large, depth: 16 };

/**
 * The command line of fio for one test on an image.
 * @param image `pool/name`
 * @param seconds how long it measures; undefined: until the image was written once
 */
export function fioArgs(test: Test, image: string, seconds: number | undefined): string[] {
  const [pool = '', name = ''] = image.split('/');
  return [
    `--name=${test.name}`,
    ...['--ioengine=rbd', '--clientname=admin', `--pool=${pool}`, `--rbdname=${name}`],
    ...[`--rw=${test.pattern}`, `--bs=${test.blockBytes}`, `--iodepth=${test.depth}`],
    // Each write has other content, so that nothing on its way can make less of it.
    ...['--direct=1', '--invalidate=0', '--refill_buffers=1', '--randrepeat=0'],
    ...(seconds === undefined ? [] : ['--time_based=1', `--runtime=${seconds}`, `--ramp_time=${rampSeconds}`]),
    ...['--lat_percentiles=1', '--clat_percentiles=0', '--percentile_list=95:99', '--output-format=json'],
  ];
}
