/**
 * A pretended libvirtd with its guests on one node. It keeps to what libvirt 9 does where PVC can see a difference:
 * guests outlive it, a call that was cut off may have been done, one domain at a time has one job, and a migration that
 * loses its libvirtd half-way leaves behind what the real one leaves (qemu_process.c, qemuProcessRecoverMigration*).
 * @module
 */
import type { VirtualClock } from '../../core/host/virtual-clock.ts';
import type { DomainSummary } from '../../plugins/libvirt/rpc/driver-values.ts';
import { LibvirtError } from '../../plugins/libvirt/rpc/errors.ts';
import type { DomainEvent } from '../../plugins/libvirt/rpc/event-kinds.ts';
import { type DomainState, errorNames, type LifecycleEvent } from '../../plugins/libvirt/rpc/names.ts';
import type { Chance } from './chance.ts';
import type { Guests } from './guests.ts';
import type { Migration } from './migration.ts';
import type { SimDriver } from './sim-driver.ts';
import type { Trace } from './trace.ts';

export interface Domain {
  readonly uuid: string;
  readonly name: string;
  readonly id: number;
  readonly xml: string;
  readonly memoryMiB: number;
  readonly disks: readonly string[];
  state: DomainState;
  reason: string;
  /** It is being started, or comes from another node: nobody may touch its CPUs. */
  pending: boolean;
  migration: Migration | undefined;
}

export interface HypervisorParts {
  readonly node: string;
  readonly clock: VirtualClock;
  readonly random: Chance;
  readonly trace: Trace;
  readonly guests: Guests;
}

export type LibvirtdState = 'up' | 'down' | 'hung';

export const refuse = (procedure: string, name: string, message: string): LibvirtError =>
  new LibvirtError(procedure, {
    code: errorNames.indexOf(name),
    domain: 10,
    message,
    level: 2,
    object: undefined,
    str1: undefined,
    str2: undefined,
    str3: undefined,
    int1: 0,
    int2: 0,
    network: undefined,
  });

/** How long PVC keeps a connection to a libvirtd that hangs (rpc/keepalive.ts). */
const keepaliveMs = 10_000;

export class Hypervisor {
  readonly node: string;
  readonly clock: VirtualClock;
  readonly random: Chance;
  readonly trace: Trace;
  readonly guests: Guests;
  readonly domains = new Map<string, Domain>();
  readonly connections = new Set<SimDriver>();
  /** Moves that this libvirtd drives; the guest itself may have ended in the midst of one. */
  readonly outgoing = new Set<Migration>();
  /** Starts that are to fail from now on. */
  failingStarts = 0;
  #libvirtd: LibvirtdState = 'down';
  #hung: (() => void)[] = [];
  #nextId = 1;
  /** As `list` told it last; undefined: some domain is another one since. */
  #listed: readonly DomainSummary[] | undefined;
  #powered = false;
  /** Grows with each crash and power cut: what was under way before is not done any more. */
  #generation = 0;

  constructor(parts: HypervisorParts) {
    this.node = parts.node;
    this.clock = parts.clock;
    this.random = parts.random;
    this.trace = parts.trace;
    this.guests = parts.guests;
  }

  get libvirtd(): LibvirtdState {
    return this.#libvirtd;
  }

  get powered(): boolean {
    return this.#powered;
  }

  /** The machine has booted; libvirtd runs. */
  boot(): void {
    this.#powered = true;
    this.#libvirtd = 'up';
  }

  /** Everything here is gone at once. */
  powerOff(): void {
    if (!this.#powered) return;
    this.#powered = false;
    this.#libvirtd = 'down';
    this.#generation += 1;
    this.#hung = [];
    const migrations = this.#migrations();
    for (const domain of [...this.domains.values()]) this.#remove(domain, 'power cut');
    for (const driver of [...this.connections]) driver.lose('the machine lost its power');
    for (const migration of migrations) migration.onPowerOff(this);
  }

  /** libvirtd is killed: guests run on, calls under way are cut off. */
  crashLibvirtd(): void {
    if (this.#libvirtd === 'down') return;
    this.#libvirtd = 'down';
    this.#generation += 1;
    this.#hung = [];
    this.trace.world(this.node, 'libvirtd is killed');
    // A start that was cut off: what is left of it is taken away, or it has come far enough.
    for (const domain of [...this.domains.values()])
      if (domain.pending && domain.migration === undefined) {
        if (this.random.happens(0.5)) this.#remove(domain, 'failed');
        else {
          domain.pending = false;
          this.setRunning(domain, 'booted');
        }
      }
    for (const driver of [...this.connections]) driver.lose('libvirtd ended');
    for (const migration of this.#migrations()) migration.onLibvirtdEnd(this);
  }

  startLibvirtd(): void {
    if (!this.#powered || this.#libvirtd !== 'down') return;
    this.#libvirtd = 'up';
    this.trace.world(this.node, 'libvirtd runs');
    for (const migration of this.#migrations()) migration.onLibvirtdStart(this);
  }

  hangLibvirtd(): void {
    if (this.#libvirtd !== 'up') return;
    this.#libvirtd = 'hung';
    this.trace.world(this.node, 'libvirtd hangs');
    const generation = this.#generation;
    const before = [...this.connections];
    this.clock.after(keepaliveMs, () => {
      if (this.#libvirtd !== 'hung' || this.#generation !== generation) return;
      for (const driver of before) driver.lose('it did not answer');
    });
  }

  unhangLibvirtd(): void {
    if (this.#libvirtd !== 'hung') return;
    this.#libvirtd = 'up';
    this.trace.world(this.node, 'libvirtd answers again');
    for (const go of this.#hung.splice(0)) go();
  }

  /** Resolves after a time, once libvirtd is able to work on it; never, when libvirtd ends before. */
  work(ms: number): Promise<void> {
    return new Promise((resolve) => this.whenWorked(ms, resolve));
  }

  /** As `work`. */
  whenWorked(ms: number, done: () => void): void {
    const generation = this.#generation;
    const go = (): void => {
      if (generation === this.#generation && this.#libvirtd === 'up') done();
    };
    this.clock.after(ms, () => {
      if (this.#libvirtd === 'hung') this.#hung.push(go);
      else go();
    });
  }

  /** @throws LibvirtError NO_DOMAIN */
  need(uuid: string, procedure: string): Domain {
    const domain = this.domains.get(uuid);
    if (domain === undefined)
      throw refuse(procedure, 'NO_DOMAIN', `Domain not found: no domain with matching uuid '${uuid}'`);
    return domain;
  }

  /** Every domain; asked for every few seconds, of which most tell nothing new. */
  list(): readonly DomainSummary[] {
    this.#listed ??= Array.from(this.domains.values(), ({ uuid, name, id, state, reason }) => ({
      uuid,
      name,
      id,
      state,
      reason,
    }));
    return this.#listed;
  }

  /** Adds a domain whose CPUs do not run yet. */
  add(description: Pick<Domain, 'uuid' | 'name' | 'xml' | 'memoryMiB' | 'disks'>, reason: string): Domain {
    const domain: Domain = {
      ...description,
      id: this.#nextId,
      state: 'paused',
      reason,
      pending: true,
      migration: undefined,
    };
    this.#nextId += 1;
    this.domains.set(domain.uuid, domain);
    this.#listed = undefined;
    return domain;
  }

  async create(xml: string): Promise<string> {
    const description = readXml(xml);
    if (this.domains.has(description.uuid))
      throw refuse(
        'domainCreateXml',
        'OPERATION_FAILED',
        `operation failed: domain '${description.name}' is already active`,
      );
    const guest = this.guests.of(description.uuid, description.name);
    const domain = this.add(description, 'starting-up');
    await this.work(guest.habits.bootMs);
    if (this.domains.get(domain.uuid) !== domain)
      throw refuse('domainCreateXml', 'OPERATION_FAILED', 'operation failed: domain is no longer running');
    if (this.guests.isShutOut(this.node, domain.disks)) {
      this.#remove(domain, 'failed');
      throw refuse('domainCreateXml', 'INTERNAL_ERROR', 'internal error: the storage lets this node in no more');
    }
    if (this.failingStarts > 0) {
      this.failingStarts -= 1;
      this.#remove(domain, 'failed');
      throw refuse('domainCreateXml', 'INTERNAL_ERROR', 'internal error: process exited while connecting to monitor');
    }
    domain.pending = false;
    this.setRunning(domain, 'booted');
    this.tell(domain, 'started', 'booted');
    return domain.uuid;
  }

  async destroy(uuid: string): Promise<'done' | 'absent'> {
    const domain = this.domains.get(uuid);
    if (domain === undefined) return 'absent';
    // The signal is sent at once, but the process takes its time.
    await this.work(this.random.ms(20, 250));
    if (this.domains.get(uuid) !== domain) return 'absent';
    this.end(domain, 'destroyed');
    return 'done';
  }

  shutdown(uuid: string): void {
    const domain = this.need(uuid, 'domainShutdownFlags');
    const { shutdownMs } = this.guests.of(uuid).habits;
    if (shutdownMs === undefined || domain.state !== 'running') return;
    this.clock.after(shutdownMs, () => {
      // It has gone elsewhere meanwhile, with what it was about to do.
      const now = this.domains.get(uuid);
      if (now !== domain || domain.state !== 'running') return;
      this.tell(domain, 'shutdown', 'guest');
      this.end(domain, 'shutdown');
    });
  }

  suspend(uuid: string): void {
    const domain = this.need(uuid, 'domainSuspend');
    this.#requireNoJob(domain, 'domainSuspend');
    if (domain.state !== 'running') return;
    this.setPaused(domain, 'user');
    this.tell(domain, 'suspended', 'paused');
  }

  resume(uuid: string): void {
    const domain = this.need(uuid, 'domainResume');
    this.#requireNoJob(domain, 'domainResume');
    if (domain.state !== 'paused') return;
    this.setRunning(domain, 'unpaused');
    this.tell(domain, 'resumed', 'unpaused');
  }

  /** The guest ends: by itself, or because it was ended. */
  end(domain: Domain, reason: 'shutdown' | 'destroyed' | 'crashed' | 'migrated' | 'failed'): void {
    const { migration } = domain;
    this.#remove(domain, reason);
    this.tell(domain, 'stopped', reason);
    if (reason !== 'migrated') migration?.onGuestEnd(this);
  }

  setRunning(domain: Domain, why: string): void {
    this.#become(domain, 'running', why);
    this.guests.runs(domain.uuid, this.node, domain.disks, why);
  }

  setPaused(domain: Domain, why: string): void {
    this.#become(domain, 'paused', why);
    this.guests.stands(domain.uuid, this.node, why);
  }

  tell(domain: Domain, event: LifecycleEvent, detail: string): void {
    const { uuid, name, id } = domain;
    const told: DomainEvent = { kind: 'lifecycle', event, detail, domain: { uuid, name, id } };
    for (const driver of this.connections) driver.tell(told);
  }

  #requireNoJob(domain: Domain, procedure: string): void {
    if (domain.pending || domain.migration !== undefined)
      throw refuse(procedure, 'OPERATION_INVALID', 'Requested operation is not valid: domain has a job');
  }

  #remove(domain: Domain, why: string): void {
    if (this.domains.get(domain.uuid) !== domain) return;
    this.domains.delete(domain.uuid);
    if (domain.state === 'running') this.guests.stands(domain.uuid, this.node, why);
    this.#become(domain, 'shut-off', why);
  }

  #become(domain: Domain, state: DomainState, why: string): void {
    domain.state = state;
    domain.reason = why;
    this.#listed = undefined;
  }

  #migrations(): Migration[] {
    return [...new Set([...this.outgoing, ...[...this.domains.values()].flatMap((domain) => domain.migration ?? [])])];
  }
}

/** What the pretence needs to know of a domain's XML. */
export function readXml(xml: string): Pick<Domain, 'uuid' | 'name' | 'xml' | 'memoryMiB' | 'disks'> {
  const text = (pattern: RegExp): string => pattern.exec(xml)?.[1] ?? '';
  const unit = text(/<memory unit=['"](\w+)['"]/);
  const memory = Number(text(/<memory[^>]*>(\d+)</));
  return {
    uuid: text(/<uuid>([^<]+)</),
    name: text(/<name>([^<]+)</),
    xml,
    memoryMiB: unit === 'MiB' ? memory : unit === 'GiB' ? memory * 1024 : memory / 1024,
    disks: [...xml.matchAll(/<source (?:file|protocol='rbd' name|protocol="rbd" name)=['"]([^'"]+)['"]/g)].map(
      (found) => found[1] as string,
    ),
  };
}
