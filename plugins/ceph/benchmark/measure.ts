/** One test on an image: fio, and what it cost. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { type CephCommand, complaint } from '../command/ceph-command.ts';
import { benchmarkError, type TestResult } from './benchmark-kind.ts';
import { busyShare, cpuSeconds, cpuTime, measured } from './cpu-time.ts';
import { fioResult } from './fio-result.ts';
import { filling, fioArgs, rampSeconds, type Test } from './tests.ts';

/** Connecting, and ending: requests that are under way are waited for. */
const besidesMs = 60_000;
/** Slower than any storage that somebody would want to measure. */
const slowestBytesPerS = 2 * 1024 ** 2;

export const fillTimeoutMs = (sizeBytes: number): number => besidesMs + Math.ceil(sizeBytes / slowestBytesPerS) * 1000;
export const testTimeoutMs = (seconds: number): number => besidesMs + (rampSeconds + seconds) * 1000;

/** @throws PvcError BENCHMARK_FIO, CEPH_AWAY (it hangs) */
async function fio(
  ceph: CephCommand,
  test: Test,
  args: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const result = await ceph.attempt(measured(['fio', ...args]), { timeoutMs, signal });
  if (result.code === 0) return result;
  const stderr = result.stderr.replace(/^cpu-seconds .*$/m, '');
  throw benchmarkError('BENCHMARK_FIO', { test: test.name, reason: complaint({ ...result, stderr }) });
}

/** Writes the image once. */
export async function fill(ceph: CephCommand, image: string, sizeBytes: number, signal: AbortSignal): Promise<void> {
  await fio(ceph, filling, fioArgs(filling, image, undefined), fillTimeoutMs(sizeBytes), signal);
}

/** @throws PvcError BENCHMARK_FIO, CEPH_STRANGE, CEPH_AWAY */
export async function measure(
  { files, clock }: Pick<Host, 'files' | 'clock'>,
  ceph: CephCommand,
  test: Test,
  image: string,
  seconds: number,
  signal: AbortSignal,
): Promise<TestResult> {
  const look = async () => cpuTime((await files.readText('/proc/stat')) ?? '');
  const before = await look();
  const beganMs = clock.monotonicMs();
  const { stdout, stderr } = await fio(ceph, test, fioArgs(test, image, seconds), testTimeoutMs(seconds), signal);
  const tookS = (clock.monotonicMs() - beganMs) / 1000;
  return {
    ...fioResult(test, stdout),
    clientCores: (cpuSeconds(stderr) ?? 0) / Math.max(tookS, 0.001),
    nodeCpuShare: busyShare(before, await look()),
  };
}
