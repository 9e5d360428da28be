/** The image on which a benchmark runs. @module */
import { type Clock, errorText } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { createImage, imageInfo, removeImage, watchersOf } from '../volume/image.ts';
import { benchmarkError } from './benchmark-kind.ts';

/** A client that was killed is forgotten after 30 s (osd_client_watch_timeout). */
const quietTimeoutMs = 45_000;
const lookMs = 1_000;
const removeTimeoutMs = 600_000;

/** As guests have theirs: without a cache between them and the storage. */
export async function makeBenchmarkImage(ceph: CephCommand, image: string, sizeBytes: number): Promise<void> {
  if ((await imageInfo(ceph, image)) === undefined) await createImage(ceph, image, sizeBytes);
  await ceph.rbd(`the settings of ${image}`, ['config', 'image', 'set', image, 'rbd_cache', 'false']);
}

/**
 * Waits until nobody has it open: a fio that outlived its daemon ends by itself.
 * @param patienceMs how long that may take besides
 * @throws PvcError BENCHMARK_BUSY
 */
export async function untilClosed(
  ceph: CephCommand,
  clock: Clock,
  image: string,
  patienceMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const untilMs = clock.monotonicMs() + quietTimeoutMs + patienceMs;
  for (;;) {
    const [watcher] = await watchersOf(ceph, image);
    if (watcher === undefined) return;
    if (clock.monotonicMs() > untilMs)
      throw benchmarkError('BENCHMARK_BUSY', { image, reason: `${watcher.address} has it` });
    await clock.sleep(lookMs, signal);
  }
}

/** Removes it, also when a fio that was killed a moment ago is still remembered; one that is gone already is no error. */
export async function removeBenchmarkImage(
  ceph: CephCommand,
  clock: Clock,
  image: string,
  patienceMs: number,
): Promise<void> {
  if ((await imageInfo(ceph, image)) === undefined) return;
  await untilClosed(ceph, clock, image, patienceMs);
  await removeImage(ceph, image, { timeoutMs: removeTimeoutMs });
}

/** As `removeBenchmarkImage`. @returns why it could not be removed; undefined when it is gone */
export async function tryToRemove(...args: Parameters<typeof removeBenchmarkImage>): Promise<string | undefined> {
  try {
    await removeBenchmarkImage(...args);
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}
