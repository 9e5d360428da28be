/**
 * Between PVC and the commands that speak to Ceph: how many run at once, and none while Ceph is known to be away. So a Ceph
 * that hangs costs callers no time and the node no processes.
 * @module
 */
import { type ExecResult, errorText, formatDuration, type Host, PvcError } from '../../../core/plugin/api.ts';
import { Breaker } from './breaker.ts';
import { cephError } from './errors.ts';
import { Lane } from './lane.ts';
import { connectSeconds, reachedNobody } from './unreached.ts';

/** How many at once. What takes long by its nature has places of its own, so that short questions get theirs. */
const limits = { monitors: 6, data: 8, long: 8 } as const;
/** Whoever gives a command more time than this expects it to take long. */
const shortMs = 60_000;

const probeArgv = ['ceph', '--connect-timeout', String(connectSeconds), 'mon', 'stat'] as const;
const probeTimeoutMs = 10_000;

/** Undefined: what is run here and speaks to nobody. */
function laneOf(program: string, timeoutMs: number): keyof typeof limits | undefined {
  if (program === 'ceph') return 'monitors';
  if (program === 'rbd') return timeoutMs > shortMs ? 'long' : 'data';
  return undefined;
}

/** A time-out in the words of storage. @throws PvcError CEPH_AWAY */
async function bounded(exec: () => Promise<ExecResult>): Promise<ExecResult> {
  try {
    return await exec();
  } catch (error) {
    if (error instanceof PvcError && error.code === 'EXEC_TIMEOUT')
      throw cephError('CEPH_AWAY', { reason: errorText(error) }, { cause: error });
    throw error;
  }
}

/** A command found no monitor, or was not even begun for that: nothing was done. */
class Unreached extends Error {}

export interface Passing {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** How long it may take until a Ceph that is away is back; 0 for callers that want to know at once. */
  readonly patienceMs: number;
}

export class Gate {
  readonly #host: Pick<Host, 'clock' | 'processes'>;
  readonly #complaint: (result: ExecResult) => string;
  readonly #breaker: Breaker;
  readonly #lanes: Readonly<Record<keyof typeof limits, Lane>>;

  /** @param complaint what a result says is wrong @param signal aborts when the daemon stops */
  constructor(
    host: Pick<Host, 'clock' | 'processes'>,
    complaint: (result: ExecResult) => string,
    signal: AbortSignal | undefined,
  ) {
    const { clock } = host;
    this.#host = host;
    this.#complaint = complaint;
    this.#lanes = {
      monitors: new Lane(clock, limits.monitors),
      data: new Lane(clock, limits.data),
      long: new Lane(clock, limits.long),
    };
    this.#breaker = new Breaker({
      clock,
      signal,
      probe: () => this.#probe(signal),
      opened: () => {
        for (const { waiting } of Object.values(this.#lanes)) waiting.refuseAll(() => new Unreached());
      },
    });
  }

  /**
   * Runs a command within its time, waiting for its turn included, and begins it again for a patient caller when it found
   * nobody.
   * @param exec runs it, in the time that is left
   * @throws PvcError CEPH_AWAY at once while Ceph is known to be away, or when it stays away for longer than `patienceMs`;
   *   when there was no turn; when it took too long
   */
  async pass(program: string, passing: Passing, exec: (timeoutMs: number) => Promise<ExecResult>): Promise<ExecResult> {
    const { timeoutMs, signal, patienceMs } = passing;
    const name = laneOf(program, timeoutMs);
    if (name === undefined) return bounded(() => exec(timeoutMs));
    const { clock } = this.#host;
    const patientUntilMs = clock.monotonicMs() + patienceMs;
    for (;;) {
      const leftMs = patientUntilMs - clock.monotonicMs();
      if (this.#breaker.away !== undefined) {
        if (leftMs <= 0) throw this.#awayError();
        await this.#breaker.waiting.wait(leftMs, () => this.#awayError(), signal);
      }
      try {
        return await this.#once(this.#lanes[name], passing, exec);
      } catch (error) {
        if (!(error instanceof Unreached)) throw error;
      }
    }
  }

  /** @throws Unreached, PvcError CEPH_AWAY */
  async #once(
    lane: Lane,
    { timeoutMs, signal, patienceMs }: Passing,
    exec: (timeoutMs: number) => Promise<ExecResult>,
  ): Promise<ExecResult> {
    const { clock } = this.#host;
    const untilMs = clock.monotonicMs() + timeoutMs;
    const late = (): Error =>
      cephError('CEPH_AWAY', {
        reason: `${lane.limit} commands wait for its answer, and none has ended within ${formatDuration(timeoutMs)}`,
      });
    return lane.pass(timeoutMs, late, signal, async () => {
      try {
        const result = await bounded(() => exec(Math.max(1, Math.ceil(untilMs - clock.monotonicMs()))));
        if (!reachedNobody(result)) return result;
        this.#breaker.open(this.#complaint(result));
        if (patienceMs > 0) throw new Unreached();
        return result;
      } catch (error) {
        // The monitors, or only the disks that were asked: a probe tells.
        if (error instanceof PvcError && error.code === 'CEPH_AWAY') this.#breaker.suspect();
        throw error;
      }
    });
  }

  async #probe(signal: AbortSignal | undefined): Promise<string | undefined> {
    try {
      const result = await this.#host.processes.exec(probeArgv, {
        timeoutMs: probeTimeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      return reachedNobody(result) ? this.#complaint(result) : undefined;
    } catch (error) {
      signal?.throwIfAborted();
      // Without the command there is nothing to wait for: the next call tells what is wrong.
      return error instanceof PvcError && error.code === 'EXEC_NOT_FOUND' ? undefined : errorText(error);
    }
  }

  #awayError(): Error {
    const { reason, sinceMs } = this.#breaker.away ?? { reason: 'it is not known why', sinceMs: 0 };
    const ago = formatDuration(this.#host.clock.monotonicMs() - sinceMs);
    return cephError('CEPH_AWAY', { reason: `${reason} (found ${ago} ago; PVC looks again all the time)` });
  }
}
