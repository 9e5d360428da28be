/**
 * Runs a benchmark on its node. Cut off at any moment it goes on with the test that it was at; whatever becomes of it, its
 * image is removed.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineTask,
  errorText,
  orUndo,
  type Runtime,
  type TaskRun,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { imageInfo } from '../volume/image.ts';
import { makeBenchmarkImage, removeBenchmarkImage, tryToRemove, untilClosed } from './benchmark-image.ts';
import { type BenchmarkSpec, type BenchmarkStatus, benchmark, benchmarkError, imageOf } from './benchmark-kind.ts';
import { fill, measure } from './measure.ts';
import { readConditions } from './read-conditions.ts';
import { rampSeconds, tests } from './tests.ts';

/** A fio of an earlier life of this daemon may still be at a test. */
const patienceMs = ({ seconds }: BenchmarkSpec): number => (seconds + rampSeconds + 10) * 1000;

export function benchmarkTask(runtime: Runtime, ceph: CephCommand): AnyTaskDefinition {
  const { documents, host } = runtime;

  async function tell(id: string, status: BenchmarkStatus): Promise<void> {
    const doc = await documents.need(benchmark, id);
    await runtime.write([{ do: 'status', kind: benchmark, before: doc, status }]);
  }

  const statusOf = async (id: string): Promise<BenchmarkStatus> => {
    const { spec, status } = await documents.need(benchmark, id);
    return status ?? { state: 'running', results: [], conditions: await readConditions(runtime, ceph, spec.pool) };
  };

  async function prepare(run: TaskRun, spec: BenchmarkSpec, image: string): Promise<void> {
    // Until this phase is written down an image of that name is somebody else's.
    if (run.phase === '' && (await imageInfo(ceph, image)) !== undefined)
      throw benchmarkError('BENCHMARK_IMAGE', { image });
    await run.advance('image', { message: `makes and fills ${image}` });
    await makeBenchmarkImage(ceph, image, spec.sizeBytes);
    await untilClosed(ceph, host.clock, image, patienceMs(spec), run.signal);
    await fill(ceph, image, spec.sizeBytes, run.signal);
    await tell(run.spec.target.id, await statusOf(run.spec.target.id));
    await run.advance('measure', { progress: 0.1 });
  }

  async function runTests(run: TaskRun, spec: BenchmarkSpec, image: string): Promise<void> {
    const { id } = run.spec.target;
    for (const [index, test] of tests.entries()) {
      const status = await statusOf(id);
      if (status.results.some((one) => one.test === test.name)) continue;
      run.progress(0.1 + (0.8 * index) / tests.length, test.text);
      await untilClosed(ceph, host.clock, image, patienceMs(spec), run.signal);
      const result = await measure(host, ceph, test, image, spec.seconds, run.signal);
      await tell(id, { ...status, results: [...status.results, result] });
    }
    await run.advance('clean', { message: `removes ${image}`, progress: 0.95 });
  }

  async function work(run: TaskRun): Promise<unknown> {
    const { id } = run.spec.target;
    const { spec } = await documents.need(benchmark, id);
    const image = imageOf(id, spec);
    if (run.phase === '' || run.phase === 'image') await prepare(run, spec, image);
    if (run.phase === 'measure') await runTests(run, spec, image);
    await removeBenchmarkImage(ceph, host.clock, image, patienceMs(spec));
    await tell(id, { ...(await statusOf(id)), state: 'done', endedMs: Math.round(host.clock.wallMs()) });
    return { benchmark: id };
  }

  /** It is over without a result; what was measured stays. */
  async function giveUp(run: Pick<TaskRun, 'spec' | 'phase' | 'log'>, message: string): Promise<void> {
    const { id } = run.spec.target;
    const doc = await documents.get(benchmark, id);
    if (doc === undefined) return;
    // Before that phase there is none of ours.
    const left =
      run.phase === '' ? undefined : await tryToRemove(ceph, host.clock, imageOf(id, doc.spec), patienceMs(doc.spec));
    if (left !== undefined)
      run.log.warn('the image of a benchmark could not be removed', { benchmark: id, reason: left });
    const nowMs = Math.round(host.clock.wallMs());
    const status = doc.status ?? { results: [], conditions: unknownConditions };
    await tell(id, {
      ...status,
      state: 'failed',
      message,
      endedMs: nowMs,
      ...(left === undefined ? {} : { imageLeft: true }),
    });
  }

  return defineTask({
    action: 'benchmark.run',
    summary: 'measures the storage',
    run: (run) =>
      orUndo(
        run,
        () => patiently(host, run, () => work(run)),
        (error) => giveUp(run, errorText(error)),
      ),
    abandoned: (run, why) => giveUp(run, why === 'cancelled' ? 'it was cancelled' : 'it took too long'),
  });
}

/** Of a benchmark that failed before they were read. */
const unknownConditions: BenchmarkStatus['conditions'] = {
  ...{ cephVersions: [], fioVersion: '', osds: 0, replicas: 0, health: 'unknown', cpus: 0, cpuModel: '', kernel: '' },
};

/** Removes a benchmark, and its image when that is still there. */
export function benchmarkRemoveTask(runtime: Runtime, ceph: CephCommand): AnyTaskDefinition {
  const { documents, host } = runtime;
  return defineTask({
    action: 'benchmark.remove',
    summary: 'forgets a benchmark',
    run: (run) =>
      patiently(host, run, async () => {
        const { id } = run.spec.target;
        const doc = await documents.get(benchmark, id);
        if (doc === undefined) return { benchmark: id };
        if (doc.status?.imageLeft === true)
          await removeBenchmarkImage(ceph, host.clock, imageOf(id, doc.spec), patienceMs(doc.spec));
        await runtime.write([{ do: 'remove', kind: benchmark, before: doc }], { asPrimary: true });
        return { benchmark: id };
      }),
  });
}
