/**
 * How much of a pool each volume takes. Ceph counts it by reading the map of each image, some milliseconds an image; so
 * it is counted in the background, one pool at a time, and what was counted last is told with its age.
 * @module
 */
import type { Host } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { usedInPool } from './image.ts';

/** Older figures are counted again when somebody asks. */
const freshMs = 30_000;
/** So long whoever asks waits for new ones. */
const patienceMs = 1_000;
const countTimeoutMs = 300_000;

export interface Usage {
  /** By name of the image. */
  readonly bytes: ReadonlyMap<string, number>;
  /** Wall clock. */
  readonly countedMs: number;
}

export class VolumeUsage {
  readonly #host: Pick<Host, 'clock' | 'log'>;
  readonly #ceph: CephCommand;
  readonly #known = new Map<string, Usage>();
  readonly #counting = new Map<string, Promise<void>>();

  constructor(host: Pick<Host, 'clock' | 'log'>, ceph: CephCommand) {
    this.#host = host;
    this.#ceph = ceph;
  }

  /** What is known of a pool, new if it can be had soon; undefined: nothing yet. Never rejects. */
  async of(pool: string, signal: AbortSignal): Promise<Usage | undefined> {
    const { clock } = this.#host;
    const known = this.#known.get(pool);
    if (known === undefined || clock.wallMs() - known.countedMs > freshMs) {
      const over = new AbortController();
      await Promise.race([
        this.#count(pool).finally(() => over.abort()),
        clock.sleep(patienceMs, AbortSignal.any([signal, over.signal])).catch(() => undefined),
      ]);
    }
    return this.#known.get(pool);
  }

  #count(pool: string): Promise<void> {
    const under = this.#counting.get(pool);
    if (under !== undefined) return under;
    const counting = usedInPool(this.#ceph, pool, { timeoutMs: countTimeoutMs })
      .then((bytes) => {
        this.#known.set(pool, { bytes, countedMs: this.#host.clock.wallMs() });
      })
      // Who asks sees the age of what is known, and the storage's own faults say why.
      .catch((error: unknown) =>
        this.#host.log.debug('what volumes take cannot be counted', { pool, reason: String(error) }),
      )
      .finally(() => this.#counting.delete(pool));
    this.#counting.set(pool, counting);
    return counting;
  }
}
