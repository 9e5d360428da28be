/**
 * The dnsmasq of this node: one for each network, and one that knows who answers which names. Controllers keep them running
 * while this node is primary.
 * @module
 */
import { errorText, type Runtime, View, within } from '../../../core/plugin/api.ts';
import { leaseFile } from '../lease/lease-file.ts';
import type { LeaseSpool } from '../lease/lease-spool.ts';
import { leasesOf } from '../lease/leases.ts';
import { serversFile } from '../names/names-conf.ts';
import { dhcp } from '../settings/dhcp-kind.ts';
import { hostsFile } from './conf.ts';
import { Dnsmasq, directoryOf } from './dnsmasq.ts';
import { leasesFile } from './lease-script.ts';
import type { Whose } from './server-plan.ts';

/** What was told and is not noted by then is noted later, by whoever can. */
const lastNotesMs = 1_000;

export class Servers {
  readonly #runtime: Runtime;
  readonly #spool: LeaseSpool;
  readonly #all = new Map<string, Dnsmasq>();
  /** Asked by those of the networks. */
  readonly names: Dnsmasq;
  #duty = false;

  constructor(runtime: Runtime, spool: LeaseSpool) {
    this.#runtime = runtime;
    this.#spool = spool;
    this.names = new Dnsmasq(runtime, {
      name: 'names',
      rereadFile: serversFile,
      ours: () => this.#duty,
      prepare: () => Promise.resolve(),
    });
  }

  /** Whether it is this node that serves. */
  get duty(): boolean {
    return this.#duty;
  }

  /** Whose it is to serve. */
  async whose(): Promise<Whose> {
    if (this.#duty) return 'ours';
    const holder = await new View(this.#runtime.documents).primary();
    // It may be this one in a moment: then what an earlier life of the daemon left running is right.
    return holder === undefined || holder === this.#runtime.node ? 'open' : 'others';
  }

  /** Where scripts put what happens to leases. */
  get reported(): string {
    return this.#spool.reported;
  }

  /** From now on networks may be served. */
  take(): void {
    this.#duty = true;
  }

  /** Ends all of them, and has the next primary know what they have given. @throws AggregateError of those that do not end */
  async leave(): Promise<void> {
    this.#duty = false;
    const all = [this.names, ...this.#all.values()];
    const serving = all.some((one) => one.serving);
    const ended = await Promise.allSettled(all.map((one) => one.end()));
    const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} dnsmasq did not end`);
    if (serving) await this.#lastNotes();
  }

  async #lastNotes(): Promise<void> {
    const { clock, log } = this.#runtime.host;
    try {
      await within(clock, lastNotesMs, this.#spool.note(), () => new Error('the store takes its time'));
    } catch (error) {
      log.warn('the last leases are noted later', { reason: errorText(error) });
    }
  }

  /** The one of a network. */
  of(vni: string): Dnsmasq {
    const known = this.#all.get(vni);
    if (known !== undefined) return known;
    const made = new Dnsmasq(this.#runtime, {
      name: vni,
      rereadFile: hostsFile,
      ours: () => this.#duty,
      prepare: async () => {
        await this.#spool.open();
        await this.#writeLeases(vni);
      },
    });
    this.#all.set(vni, made);
    return made;
  }

  /** Numbers of the networks of which something is here. */
  async present(): Promise<string[]> {
    const left = (await this.#runtime.host.files.list(directoryOf(this.#runtime))) ?? [];
    const serving = [...this.#all].flatMap(([vni, one]) => (one.serving ? [vni] : []));
    return [...new Set([...serving, ...left.filter((name) => /^\d+$/.test(name))])];
  }

  /** What dnsmasq begins with: all that the store holds, once it holds all that was told here. */
  async #writeLeases(vni: string): Promise<void> {
    const { documents, host } = this.#runtime;
    await this.#spool.note();
    const settings = await documents.get(dhcp, vni);
    const leases = settings === undefined ? [] : await leasesOf(documents, vni, settings.spec.instance);
    await host.files.writeAtomic(`${directoryOf(this.#runtime, vni)}/${leasesFile}`, leaseFile(vni, leases), 0o600);
  }
}
