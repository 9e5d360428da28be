/**
 * What is done with guests while the node is cut off from the store: those that may go on elsewhere are ended here. Which
 * those are was learnt before, since nobody can be asked then.
 * @module
 */
import { errorText, type IsolationEnd, type Runtime, within } from '../../core/plugin/api.ts';
import { readMark } from './domain/mark.ts';
import { viewDomain } from './domain/view.ts';
import { parseXml } from './domain/xml.ts';
import type { VmDoc } from './guest-control.ts';
import type { GuestDriver } from './guest-driver.ts';
import type { LibvirtConfig } from './libvirtd.ts';
import { tiesOf } from './move-plan.ts';
import { needsOf } from './recovery-plan.ts';

/** What it takes to end guests. */
interface Libvirt {
  readonly connected: boolean;
  /** Why not. */
  readonly why: string;
  readonly driver: Pick<GuestDriver, 'listDomains' | 'getXml' | 'destroy'>;
}

/**
 * Whether another node may start the guest while this one is cut off: what it needs for that can be proven without the
 * machine, and nothing ties it to this node.
 */
export function mayGoOnElsewhere(doc: VmDoc, node: string, sharedPaths: readonly string[]): boolean {
  const { spec } = doc;
  return (
    spec.run === 'running' &&
    !needsOf(doc).includes('machine') &&
    (spec.limit.length === 0 || spec.limit.some((one) => one !== node)) &&
    tiesOf(spec, node, sharedPaths).length === 0
  );
}

/** A libvirtd that has not answered so long is asked again at the next call: nothing here may wait for it. */
const answerWithinMs = 3_000;

export class Isolation {
  readonly #runtime: Pick<Runtime, 'node' | 'host'>;
  readonly #config: Pick<LibvirtConfig, 'sharedPaths'>;
  readonly #libvirt: Libvirt;
  /** Guests of this node, and those on their way here: whether they may go on elsewhere. */
  readonly #known = new Map<string, { readonly name: string; readonly elsewhere: boolean }>();
  /** Guests that libvirt was told to end; done: it is known that they did. */
  readonly #ended = new Map<string, { readonly name: string; readonly done: boolean }>();

  constructor(runtime: Pick<Runtime, 'node' | 'host'>, config: Pick<LibvirtConfig, 'sharedPaths'>, libvirt: Libvirt) {
    this.#runtime = runtime;
    this.#config = config;
    this.#libvirt = libvirt;
  }

  /** The guest as the store has it now; undefined: it is not of this node. */
  learn(uuid: string, doc: VmDoc | undefined): void {
    this.#ended.delete(uuid);
    if (doc === undefined) this.#known.delete(uuid);
    else
      this.#known.set(uuid, {
        name: doc.spec.name,
        elsewhere: mayGoOnElsewhere(doc, this.#runtime.node, this.#config.sharedPaths),
      });
  }

  /** It was ended here and not by itself. */
  hasEnded(uuid: string): boolean {
    return this.#ended.has(uuid);
  }

  /** Switches off what may go on elsewhere, all at once; what can not be is told. */
  end(): Promise<IsolationEnd> {
    const movable = [...this.#known.values()].filter(({ elsewhere }) => elsewhere).map(({ name }) => name);
    return this.#endWhere(
      async (uuid) => this.#known.get(uuid)?.elsewhere ?? (await this.#looksMovable(uuid)),
      movable,
    );
  }

  /** Switches these off, all at once; what can not be is told. @param guests names by UUID */
  endThese(guests: ReadonlyMap<string, string>): Promise<IsolationEnd> {
    return this.#endWhere((uuid) => guests.has(uuid), [...guests.values()]);
  }

  /** @param names of what is left while libvirt does not answer */
  async #endWhere(
    isOne: (uuid: string) => boolean | Promise<boolean>,
    names: readonly string[],
  ): Promise<IsolationEnd> {
    const { connected, why } = this.#libvirt;
    const nothingEnded = (reason: string): IsolationEnd => ({
      ended: [],
      left: names.map((name) => `${name}: ${reason}`).sort(),
    });
    if (!connected) return nothingEnded(why);
    const { driver } = this.#libvirt;
    const ended: string[] = [];
    const left: string[] = [];
    const here = await this.#inTime(driver.listDomains()).catch((error: unknown) => errorText(error));
    if (typeof here === 'string') return nothingEnded(here);
    const running = here.filter(({ id }) => id !== -1);
    for (const [uuid, { name, done }] of this.#ended) {
      if (done || running.some((one) => one.uuid === uuid)) continue;
      this.#ended.set(uuid, { name, done: true });
      ended.push(name);
    }
    await Promise.all(
      running.map(async ({ uuid, name }) => {
        try {
          if (!(await isOne(uuid))) return;
          const toldBefore = this.#ended.get(uuid)?.done === false;
          this.#ended.set(uuid, { name, done: false });
          const answer = await this.#inTime(driver.destroy(uuid));
          this.#ended.set(uuid, { name, done: true });
          if (answer === 'done' || toldBefore) ended.push(name);
        } catch (error) {
          left.push(`${name}: ${errorText(error)}`);
        }
      }),
    );
    return { ended: ended.sort(), left: left.sort() };
  }

  /** A guest of PVC of which the store has told nothing yet, as one that was just moved here: what it runs with tells. */
  async #looksMovable(uuid: string): Promise<boolean> {
    const text = await this.#inTime(this.#libvirt.driver.getXml(uuid));
    if (text === undefined) return false;
    const xml = parseXml(text);
    const { disks, hostdevs } = viewDomain(xml);
    const onVolumes = disks.length > 0 && disks.every(({ type }) => type === 'network');
    return readMark(xml)?.version !== undefined && onVolumes && hostdevs.length === 0;
  }

  async #inTime<T>(answer: Promise<T>): Promise<T> {
    const late = (): Error => new Error(`libvirt did not answer within ${answerWithinMs / 1000} s`);
    return within(this.#runtime.host.clock, answerWithinMs, answer, late);
  }
}
