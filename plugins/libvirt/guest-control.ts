/**
 * What one node can do with guests: see them, start them from their document, end them. Every act is
 * idempotent: doing it again when it is done is fine.
 * @module
 */
import { type Doc, errorText, type FoldHook, PvcError, type Runtime } from '../../core/plugin/api.ts';
import { DomainDraft } from './domain/draft.ts';
import { finishDomain, renderDomain } from './domain/render.ts';
import { printXml, type XmlElement } from './domain/xml.ts';
import { GuestEnds } from './guest-ends.ts';
import { GuestReadings, type StartReading } from './guest-readings.ts';
import { Isolation } from './isolation.ts';
import type { KvmFinding } from './kvm-probe.ts';
import type { LibvirtLink } from './libvirt-link.ts';
import { driverOf, type LibvirtConfig } from './libvirtd.ts';
import { isLibvirt } from './rpc/errors.ts';
import type { VmSpec } from './schema.ts';
import type { LibvirtSecret, LibvirtSecrets } from './secrets.ts';
import type { VolumeStoreHook } from './snapshot/volume-store.ts';
import { type VmStatus, vmError } from './vm-kind.ts';

export type VmDoc = Doc<VmSpec, VmStatus>;

/** What the hook `libvirt.domain` knows besides the tree that it changes. */
export interface DomainHookAbout {
  readonly vm: { readonly uuid: string; readonly spec: VmSpec };
  readonly node: string;
  /** Verbs on the tree: `about.edit(root).addDevice(…)`. */
  edit(root: XmlElement): DomainDraft;
}

/** A guest as libvirt has it now. */
export interface LiveGuest {
  readonly id: number;
  readonly state: VmStatus['state'];
  readonly reason: string;
  /** Its CPUs stand still for a move: it is about to run here, or has left and may run at the other end already. */
  readonly inTransit: boolean;
  readonly xml: XmlElement;
  /** Made by PVC: only such guests are ours to end. */
  readonly ours: boolean;
  /** Undefined with libvirt's test driver, which runs nothing. */
  readonly accelerator: 'kvm' | 'tcg' | undefined;
  readonly vnc: { readonly listen: string; readonly port: number } | undefined;
  /** The XML that it was started from, when this node still knows. */
  readonly startedFrom: XmlElement | undefined;
  readonly startedFromVersion: number | undefined;
  readonly notes: readonly string[];
}

/** The domain XML of a guest as this node would run it. */
export interface RenderedGuest {
  readonly text: string;
  /** What the node changed in the definition to run it. */
  readonly notes: readonly string[];
  /** False: a plugin failed, and what it adds is missing. */
  readonly complete: boolean;
}

const removalPauseMs = 500;
const mostRemovalWaits = 40;

const stateOf: Readonly<Record<string, VmStatus['state']>> = {
  running: 'running',
  blocked: 'running',
  paused: 'paused',
  'pm-suspended': 'paused',
  'shutting-down': 'stopping',
  'shut-off': 'stopped',
  crashed: 'crashed',
};

/** Another one as soon as the guest was started anew, or stands, runs or ends otherwise. */
export const signOf = ({ id, state, reason }: Pick<LiveGuest, 'id' | 'state' | 'reason'>): string =>
  `${id} ${state} ${reason}`;

/** What the hook `libvirt.start` knows of a start. */
export interface StartHookAbout {
  readonly vm: { readonly uuid: string; readonly spec: VmSpec };
  readonly node: string;
}

/** What other plugins add to guests. */
export interface GuestHooks {
  readonly domain: FoldHook<XmlElement, DomainHookAbout>;
  readonly secrets: FoldHook<readonly LibvirtSecret[], null>;
  readonly start: FoldHook<readonly string[], StartHookAbout>;
  readonly volumes: VolumeStoreHook;
}

export class GuestControl {
  readonly #runtime: Runtime;
  readonly #config: LibvirtConfig;
  readonly #kvm: KvmFinding;
  readonly #hooks: GuestHooks;
  readonly #secrets: LibvirtSecrets;
  /** The end of the last act on each guest, while there is one. */
  readonly #acts = new Map<string, Promise<void>>();
  readonly link: LibvirtLink;
  readonly ends: GuestEnds;
  readonly isolation: Isolation;
  readonly readings = new GuestReadings();

  constructor(
    runtime: Runtime,
    config: LibvirtConfig,
    kvm: KvmFinding,
    link: LibvirtLink,
    hooks: GuestHooks,
    secrets: LibvirtSecrets,
  ) {
    this.#runtime = runtime;
    this.#config = config;
    this.#kvm = kvm;
    this.#hooks = hooks;
    this.#secrets = secrets;
    this.link = link;
    this.ends = new GuestEnds(runtime.host.clock);
    this.isolation = new Isolation(runtime, config, link);
  }

  get kvm(): KvmFinding {
    return this.#kvm;
  }

  nowMs(): number {
    return this.#runtime.host.clock.monotonicMs();
  }

  consoleLog(uuid: string): string {
    return `${this.#runtime.directories.log}/console/${uuid}.log`;
  }

  /** The guests that libvirt runs, whether or not the store knows them, each with its sign (`signOf`). */
  async glance(): Promise<ReadonlyMap<string, string>> {
    if (!this.link.connected) return new Map();
    const signs = new Map<string, string>();
    for (const { uuid, id, state, reason } of await this.link.list())
      if (id !== -1) signs.set(uuid, signOf({ id, reason, state: stateOf[state] ?? 'unknown' }));
    return signs;
  }

  /** @throws PvcError LIBVIRT_AWAY and what libvirt says; undefined: there is no such guest here. */
  async look(uuid: string): Promise<LiveGuest | undefined> {
    const { driver } = this.link;
    const info = await driver.info(uuid);
    const text = info === undefined ? undefined : await driver.getXml(uuid);
    if (info === undefined || text === undefined) {
      this.readings.forget(uuid);
      return undefined;
    }
    const { xml, view, mark } = this.readings.live(uuid, text);
    const started = await this.#startRecord(uuid);
    const vnc = view.vnc;
    return {
      id: Number(xml.attributes['id'] ?? -1),
      state: stateOf[info.state] ?? 'unknown',
      reason: info.reason,
      inTransit: info.state === 'paused' && info.reason === 'migration',
      xml,
      ours: mark?.version !== undefined,
      accelerator: view.type === 'test' ? undefined : view.type === 'kvm' ? 'kvm' : 'tcg',
      vnc:
        vnc !== null && typeof vnc.port === 'number'
          ? { listen: vnc.listen ?? '127.0.0.1', port: vnc.port }
          : undefined,
      startedFrom: started?.xml,
      startedFromVersion: mark?.version,
      notes: started?.notes ?? [],
    };
  }

  /** The domain XML that this node would run the guest with. @throws PvcError when a plugin or the node cannot. */
  async render(doc: Pick<VmDoc, 'id' | 'spec' | 'specVersion'>): Promise<RenderedGuest> {
    const { draft, notes } = renderDomain({
      uuid: doc.id,
      spec: doc.spec,
      version: doc.specVersion,
      node: {
        name: this.#runtime.node,
        kvm: this.#kvm.works,
        driver: driverOf(this.#config),
        vncListen: this.#config.vncListen,
        consoleLogPath: this.consoleLog(doc.id),
      },
    });
    const identity = { uuid: doc.id, name: doc.spec.name };
    const { value: root, without } = await this.#hooks.domain.call(draft.root, {
      vm: { uuid: doc.id, spec: doc.spec },
      node: this.#runtime.node,
      edit: (tree) => new DomainDraft(tree, identity),
    });
    return {
      text: finishDomain(new DomainDraft(root, identity), doc.spec),
      notes: [...notes, ...without.map((plugin) => `without what the plugin ${plugin} adds: it has failed`)],
      complete: without.length === 0,
    };
  }

  /**
   * One act on a guest after the other, controller's or task's: what was asked of a libvirt that hangs is under way for
   * as long as nobody has heard how it ended, and may come after whatever is decided meanwhile.
   */
  inTurn<T>(uuid: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#acts.get(uuid) ?? Promise.resolve()).then(act);
    const ended = turn
      .catch(() => undefined)
      .then(() => {
        if (this.#acts.get(uuid) === ended) this.#acts.delete(uuid);
      });
    this.#acts.set(uuid, ended);
    return turn;
  }

  /** Starts the guest unless it runs. @throws PvcError VM_START_FAILED */
  async start(doc: VmDoc): Promise<void> {
    const { host, directories } = this.#runtime;
    const vm = doc.spec.name;
    try {
      const { text, notes } = await this.render(doc);
      await this.#mayStart(doc);
      await host.files.makeDirectory(`${directories.log}/console`, 0o750);
      await this.#keepStartRecord(doc.id, text, notes);
      await this.#secrets.tell();
      await this.#create(text);
    } catch (error) {
      // Somebody was faster, or the answer to an earlier try was lost: the guest runs, which was asked.
      if (
        isLibvirt(error, 'OPERATION_FAILED', 'DOM_EXIST', 'OPERATION_INVALID') &&
        (await this.look(doc.id)) !== undefined
      )
        return;
      if (error instanceof PvcError && error.code !== 'LIBVIRT_REFUSED') throw error;
      throw vmError('VM_START_FAILED', { vm, reason: errorText(error) }, { cause: error });
    }
  }

  /** @throws PvcError VM_START_REFUSED */
  async #mayStart({ id, spec }: VmDoc): Promise<void> {
    const node = this.#runtime.node;
    const { value: reasons } = await this.#hooks.start.call([], { vm: { uuid: id, spec }, node });
    if (reasons.length === 0 || (await this.look(id)) !== undefined) return;
    throw vmError('VM_START_REFUSED', { vm: spec.name, node, reason: reasons.join('; ') });
  }

  /** Plugs a device into a guest that runs. @throws PvcError VM_DEVICE_REFUSED and what libvirt says */
  async attach({ id, spec }: VmDoc, device: XmlElement): Promise<void> {
    const node = this.#runtime.node;
    const { value: reasons } = await this.#hooks.start.call([], { vm: { uuid: id, spec }, node });
    if (reasons.length > 0) throw vmError('VM_DEVICE_REFUSED', { vm: spec.name, node, reason: reasons.join('; ') });
    await this.link.driver.attachDevice(id, printXml(device));
  }

  /** A libvirtd that died while it started a guest first takes away what is left of that, once it is back. */
  async #create(text: string): Promise<void> {
    for (let waits = 0; ; waits += 1) {
      try {
        // The last look: it may have been cut off since the intent was read.
        if (this.#runtime.mayBeCutOff()) throw vmError('VM_CUT_OFF', { node: this.#runtime.node });
        await this.link.driver.create(text);
        return;
      } catch (error) {
        // libvirt has no number of its own for this one: virDomainObjListAdd in its virdomainobjlist.c.
        if (
          waits >= mostRemovalWaits ||
          !isLibvirt(error, 'OPERATION_FAILED') ||
          !error.message.includes('is already being removed')
        )
          throw error;
        await this.#runtime.host.clock.sleep(removalPauseMs);
      }
    }
  }

  /** Switches the guest off, like a pulled plug. */
  async end(uuid: string): Promise<void> {
    await this.link.driver.destroy(uuid);
  }

  /** Waits until what `look` sees satisfies `until`; woken by libvirt's events, and once a second. */
  async waitFor(
    uuid: string,
    until: (guest: LiveGuest | undefined) => boolean,
    signal: AbortSignal,
  ): Promise<LiveGuest | undefined> {
    const { clock } = this.#runtime.host;
    for (;;) {
      signal.throwIfAborted();
      const woken = new AbortController();
      const stop = this.link.listen((changed) => {
        if (changed === uuid || changed === 'all') woken.abort();
      });
      try {
        // While libvirt is away nothing is known: neither that it runs nor that it does not.
        if (this.link.connected) {
          const guest = await this.look(uuid).catch((error: unknown) => {
            if (error instanceof PvcError && !this.link.connected) return 'away' as const;
            throw error;
          });
          if (guest !== 'away' && until(guest)) return guest;
        }
        await clock.sleep(1_000, AbortSignal.any([signal, woken.signal])).catch(() => undefined);
      } finally {
        stop();
      }
    }
  }

  #recordPath(uuid: string): string {
    return `${this.#runtime.directories.run}/guests/${uuid}.json`;
  }

  async #keepStartRecord(uuid: string, text: string, notes: readonly string[]): Promise<void> {
    const { files } = this.#runtime.host;
    await files.makeDirectory(`${this.#runtime.directories.run}/guests`, 0o700);
    await files.writeAtomic(this.#recordPath(uuid), JSON.stringify({ text, notes }), 0o600);
  }

  async #startRecord(uuid: string): Promise<StartReading | undefined> {
    const text = await this.#runtime.host.files.readText(this.#recordPath(uuid));
    if (text === undefined) return undefined;
    try {
      return this.readings.started(uuid, text);
    } catch (error) {
      this.#runtime.host.log.warn('the record of a guest’s start cannot be read; differences are judged without it', {
        guest: uuid,
        reason: errorText(error),
      });
      return undefined;
    }
  }
}
