/** A guest on replicated volumes that stamps blocks, so that it can be told who has written to its disk, and when. @module */
import assert from 'node:assert/strict';
import { guestDirectory } from '../lab/boot-script.ts';
import { makeStampedVolume, stampsOn } from '../lab/stamped-volume.ts';
import type { StampLife } from '../lab/stamps.ts';
import type { TestLab } from './test-lab.ts';

/** An emulated guest on a busy machine takes its time to boot. */
const patient = { timeoutMs: 240_000, everyMs: 500 };

export class StampingGuest {
  readonly name: string;
  readonly #lab: TestLab;
  readonly #volume: string;

  private constructor(lab: TestLab, name: string) {
    this.#lab = lab;
    this.name = name;
    this.#volume = `vms/${name}-stamps`;
  }

  /** `pvc vm create NAME` on a node with storage, started; it stamps when this resolves. */
  static async start(lab: TestLab, name: string, node: string): Promise<StampingGuest> {
    const guest = new StampingGuest(lab, name);
    const run = async (...args: string[]) => (await lab.pvc(node, [...args, '--yes'])).ok();
    await makeStampedVolume(lab.record, node, guest.#volume);
    const image = `${guestDirectory}/disk.img`;
    await run('storage', 'volume', 'upload', `vms/${name}`, image, '--disk-format', 'raw');
    await run(
      ...['vm', 'create', name, '--memory', '160', '--graphics', 'none', '--node', node],
      ...['--disk', `volume=vms/${name}`, '--disk', `volume=${guest.#volume}`, '--start'],
    );
    await guest.writes(node);
    return guest;
  }

  /** Where it is meant to run, as a node tells. */
  async node(asked: string): Promise<string> {
    return (await this.#lab.ask(asked, 'vm.info', { vm: this.name })).node;
  }

  /** Waits until another node than `not` is its own. */
  leaves(not: string, asked: string): Promise<string> {
    return this.#lab.waitFor(
      `${this.name} to be placed elsewhere than on ${not}`,
      async () => {
        const node = await this.node(asked);
        return node !== not && node;
      },
      patient,
    );
  }

  /**
   * Waits until it stamps: anything at all; after `before`, more in the same boot, or with `anew` in another one. Asserts that
   * nothing speaks of two writers, and that nothing is lost that was there before.
   * @param asked a node that reaches the storage
   */
  async writes(asked: string, before?: StampLife, anew = false): Promise<StampLife> {
    const { lives, faults } = await this.#lab.waitFor(
      `${this.name} to write`,
      async () => {
        const seen = await stampsOn(this.#lab.record, asked, this.#volume);
        const last = seen.lives.at(-1);
        const moved = last !== undefined && (last.boot !== before?.boot || (!anew && last.last > before.last));
        return (moved || seen.faults.length > 0) && seen;
      },
      patient,
    );
    assert.deepEqual(faults, [], JSON.stringify(lives));
    const now = lives.at(-1);
    assert.ok(now);
    if (before === undefined) return now;
    if (!anew) assert.equal(now.boot, before.boot, `${this.name} was to run on, and has booted again`);
    const old = lives.find(({ boot }) => boot === before.boot);
    assert.ok(
      old !== undefined && old.first === before.first && old.last >= before.last,
      JSON.stringify({ lives, before }),
    );
    return now;
  }
}
