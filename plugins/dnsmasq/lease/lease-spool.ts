/**
 * What dnsmasq's scripts have told and the store does not hold yet: a file for each address, with the last that happened to
 * it. A script puts it there in one step (`reported`); to note it, it is moved aside (`taken`), so that what comes meanwhile
 * is another file, and removed once the store has it.
 * @module
 */
import { errorText, type Runtime, Turns, View } from '../../../core/plugin/api.ts';
import { noteLeases } from './lease-notes.ts';
import { type LeaseReport, readReport } from './lease-report.ts';

/** So many are noted in one commit. */
const atOnce = 50;

interface Taken extends LeaseReport {
  readonly file: string;
}

export class LeaseSpool {
  readonly #runtime: Runtime;
  /** Where scripts put their reports. */
  readonly reported: string;
  readonly #taken: string;
  /** One round after the other: each begins with what the last has left. */
  readonly #turns = new Turns();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    const directory = `${runtime.directories.run}/dnsmasq-leases`;
    this.reported = `${directory}/reported`;
    this.#taken = `${directory}/taken`;
  }

  /** Makes the directories. */
  async open(): Promise<void> {
    for (const path of [this.reported, this.#taken]) await this.#runtime.host.files.makeDirectory(path, 0o700);
  }

  /** How many addresses there is something to note of. */
  async waiting(): Promise<number> {
    return new Set([...(await this.#names(this.reported)), ...(await this.#names(this.#taken))]).size;
  }

  /** Calls `changed` when something may have been told, until the signal aborts. */
  async watch(changed: () => void, signal: AbortSignal): Promise<void> {
    await this.open();
    await this.#runtime.host.files.watch(this.reported, changed, signal);
  }

  /**
   * Has the store hold all that was told. Nothing is lost when it fails: it is tried again from the same files.
   * @throws PvcError what the store throws, AggregateError of what could not be noted
   */
  note(): Promise<void> {
    return this.#turns.take(() => this.#note());
  }

  async #note(): Promise<void> {
    const { documents, host, node } = this.#runtime;
    const all = await this.#take();
    if (all.length === 0) return;
    const sure = (await new View(documents).primary()) === node;
    const failures: unknown[] = [];
    for (let from = 0; from < all.length; from += atOnce) {
      const some = all.slice(from, from + atOnce);
      try {
        await noteLeases(this.#runtime, some, sure);
        for (const { file } of some) await host.files.remove(`${this.#taken}/${file}`);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, `${errorText(failures[0])} (and others)`);
  }

  /** Moves all that was told aside, and reads it. What is no report is told in the log, and is none. */
  async #take(): Promise<Taken[]> {
    const { files, log } = this.#runtime.host;
    for (const name of await this.#names(this.reported))
      await files.rename(`${this.reported}/${name}`, `${this.#taken}/${name}`);
    const all: Taken[] = [];
    for (const file of await this.#names(this.#taken)) {
      const path = `${this.#taken}/${file}`;
      try {
        all.push({ file, ...readReport(file, (await files.readText(path)) ?? '') });
      } catch (error) {
        log.warn('what dnsmasq told of a lease makes no sense', { file, reason: errorText(error) });
        await files.remove(path);
      }
    }
    return all;
  }

  /** Those that are whole: a script writes beside, under a name that begins with a dot. */
  async #names(directory: string): Promise<string[]> {
    return ((await this.#runtime.host.files.list(directory)) ?? []).filter((name) => !name.startsWith('.'));
  }
}
