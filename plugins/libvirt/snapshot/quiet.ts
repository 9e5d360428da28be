/**
 * Brings a guest to rest for a moment and lets it go on, whatever happens in between: by its agent, which puts its file
 * systems in order, else by holding its CPUs, for which QEMU first ends all that the disks have under way.
 * @module
 */
import { errorText, type Host, PvcError, type TaskRun } from '../../../core/plugin/api.ts';
import type { GuestControl } from '../guest-control.ts';
import { LibvirtError } from '../rpc/errors.ts';

export interface QuietData {
  /** What must be ended: written down before it is begun. */
  readonly by: 'agent' | 'pause' | 'nothing';
}

/** Longer no guest stands still, come what may. */
const longestMs = 60_000;

type QuietRun = Pick<TaskRun<QuietData>, 'phase' | 'data' | 'advance' | 'log' | 'signal'>;
type Control = Pick<GuestControl, 'look' | 'waitFor' | 'link'>;

export class Quiet {
  readonly #host: Pick<Host, 'clock'>;
  readonly #control: Control;

  constructor(host: Pick<Host, 'clock'>, control: Control) {
    this.#host = host;
    this.#control = control;
  }

  /** Ends what an earlier life of the task has begun. */
  async recover(run: Pick<QuietRun, 'phase' | 'data'>, uuid: string): Promise<void> {
    if (run.phase === 'quiet' && run.data !== undefined) await this.#end(run.data.by, uuid);
  }

  /**
   * Does `act` while the guest is at rest.
   * @returns how, and how long in milliseconds
   * @throws what `act` throws, once the guest goes on
   */
  async during(
    run: QuietRun,
    uuid: string,
    act: (signal: AbortSignal) => Promise<void>,
  ): Promise<{ quiet: 'frozen' | 'paused' | 'off'; quietMs: number }> {
    const guest = await this.#control.waitFor(uuid, () => true, run.signal);
    if (guest === undefined || guest.state === 'stopped') {
      await act(run.signal);
      return { quiet: 'off', quietMs: 0 };
    }
    const by = guest.state === 'running' ? await this.#begin(run, uuid) : 'nothing';
    const beganMs = this.#host.clock.monotonicMs();
    const over = new AbortController();
    const cancel = this.#host.clock.after(longestMs, () =>
      over.abort(new Error(`the guest would have stood still for more than ${longestMs / 1000} s`)),
    );
    try {
      await act(AbortSignal.any([run.signal, over.signal]));
    } finally {
      cancel();
      await this.#end(by, uuid);
    }
    const quietMs = Math.round(this.#host.clock.monotonicMs() - beganMs);
    return { quiet: by === 'agent' ? 'frozen' : 'paused', quietMs: by === 'nothing' ? 0 : quietMs };
  }

  async #begin(run: QuietRun, uuid: string): Promise<QuietData['by']> {
    const { driver } = this.#control.link;
    await run.advance('quiet', { data: { by: 'agent' }, message: 'asks the guest’s agent to hold its file systems' });
    try {
      await driver.fsFreeze(uuid);
      return 'agent';
    } catch (error) {
      // No agent, or one that does not answer; what is lost is the connection only then.
      if (!(error instanceof LibvirtError) && !(error instanceof PvcError && error.code === 'LIBVIRT_SLOW'))
        throw error;
      run.log.debug('the guest is paused, since its agent cannot hold it', { guest: uuid, reason: errorText(error) });
    }
    await this.#end('agent', uuid);
    await run.advance('quiet', { data: { by: 'pause' }, message: 'pauses the guest' });
    await driver.suspend(uuid);
    return 'pause';
  }

  async #end(by: QuietData['by'], uuid: string): Promise<void> {
    const { driver } = this.#control.link;
    if (by === 'agent')
      // One that has no agent was not frozen by it.
      await driver.fsThaw(uuid).catch((error: unknown) => {
        if (!(error instanceof LibvirtError)) throw error;
      });
    if (by === 'pause' && (await this.#control.look(uuid))?.state === 'paused') await driver.resume(uuid);
  }
}
