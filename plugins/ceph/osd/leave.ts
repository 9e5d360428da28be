/** How an OSD leaves, in steps that may each be done again; shared by what removes and what replaces it. @module */
import { errorText, type Runtime, type TaskRun } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { dataLeft } from './data-left.ts';
import type { OsdDaemons } from './osd-daemons.ts';
import { type NumberedOsd, ownEntry, untilDown } from './osd-end.ts';
import { type Backing, osd } from './osd-kind.ts';
import { wipe } from './wipe.ts';

/** `reweight`: how much Ceph trusted it before, to put it back. `pgs`: on it at the beginning. */
export interface Before {
  readonly reweight: number;
  readonly pgs?: number;
}

export interface Leaving extends NumberedOsd {
  readonly backing: Backing;
  /** Wait for nothing, and go on also when the disk cannot be emptied. */
  readonly force: boolean;
  /** Carried out by the node that has the disk: else its daemon and its content are out of reach. */
  readonly there: boolean;
}

const lookMs = 3_000;

export class Leave {
  readonly #runtime: Runtime;
  readonly #ceph: CephCommand;
  readonly #daemons: OsdDaemons;

  constructor(runtime: Runtime, ceph: CephCommand, daemons: OsdDaemons) {
    this.#runtime = runtime;
    this.#ceph = ceph;
    this.#daemons = daemons;
  }

  /**
   * From the first phase to the one in which the disk is emptied: `move` (unless forced), `stop`, `empty`.
   * @param progress of the task once the data has moved, and once the daemon has ended
   */
  async away(run: TaskRun<Before>, leaving: Leaving, progress: { moved: number; ended: number }): Promise<void> {
    const { id, force } = leaving;
    if (run.phase === '')
      await run.advance(force ? 'stop' : 'move', {
        message: force ? `ends osd.${id}` : `moves the data of osd.${id} to other disks`,
        progress: 0.1,
        data: await this.#before(leaving),
      });
    if (run.phase === 'move') {
      await this.#moveAway(run, leaving);
      await run.advance('stop', { message: `ends osd.${id}`, progress: progress.moved });
    }
    if (run.phase === 'stop') {
      await this.#end(leaving, run.signal);
      await run.advance('empty', { message: `empties ${leaving.backing.path}`, progress: progress.ended });
    }
  }

  /** To be remembered before anything is changed. */
  async #before(leaving: Leaving): Promise<Before> {
    return { reweight: (await ownEntry(this.#ceph, leaving))?.reweight ?? 0 };
  }

  /** Moves its data to other disks; resolves when it is needed no more. */
  async #moveAway(run: TaskRun<Before>, leaving: Leaving): Promise<void> {
    const { id } = leaving;
    const entry = await ownEntry(this.#ceph, leaving);
    if (entry === undefined || entry.destroyed) return;
    await this.#ceph.ceph(`osd.${id}`, ['osd', 'out', String(id)]);
    for (;;) {
      const left = await dataLeft(this.#ceph, id);
      if (left.safe) return;
      const known = run.data ?? { reweight: 0 };
      const all = Math.max(known.pgs ?? 0, left.pgs);
      if (all > (known.pgs ?? 0)) await run.advance(run.phase, { data: { ...known, pgs: all } });
      run.progress(all === 0 ? 0.1 : 0.1 + 0.5 * (1 - left.pgs / all), `moves its data to other disks: ${left.text}`);
      await this.#runtime.host.clock.sleep(lookMs, run.signal);
    }
  }

  /** Its daemon ends, and is not started again. @throws PvcError OSD_RUNS */
  async #end(leaving: Leaving, signal: AbortSignal): Promise<void> {
    await this.setServe(leaving, false);
    if (leaving.there) await this.#daemons.end(String(leaving.id));
    await untilDown(this.#runtime.host, this.#ceph, leaving, signal);
  }

  /** Empties the disk. Why not; undefined: it is empty. @throws whatever keeps it from that, without `force` */
  async empty(leaving: Leaving, log: TaskRun['log']): Promise<string | undefined> {
    if (!leaving.there) return 'its node is away';
    try {
      await wipe(this.#runtime.host, this.#ceph, leaving);
      return undefined;
    } catch (error) {
      if (!leaving.force) throw error;
      log.warn('the disk could not be emptied', { reason: errorText(error) });
      return errorText(error);
    }
  }

  /** Puts everything back, as long as the disk has not been emptied. */
  async stay(leaving: Leaving, before: Before | undefined): Promise<void> {
    await this.setServe(leaving, true);
    const reweight = before?.reweight ?? 0;
    if (reweight > 0 && (await ownEntry(this.#ceph, leaving)) !== undefined)
      await this.#ceph.ceph(`osd.${leaving.id}`, ['osd', 'reweight', String(leaving.id), String(reweight)]);
  }

  async setServe({ id, uuid, there }: Leaving, serve: boolean): Promise<void> {
    const doc = await this.#runtime.documents.get(osd, String(id));
    if (doc === undefined || doc.spec.uuid !== uuid || doc.spec.serve === serve) return;
    const write = { do: 'spec', kind: osd, before: doc, spec: { ...doc.spec, serve } } as const;
    await this.#runtime.write([write], { asPrimary: !there });
  }
}
