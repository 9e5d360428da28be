/**
 * A migration between two pretended hypervisors, driven by the source's libvirtd as in libvirt's managed peer-to-peer
 * protocol (qemu_migration.c, qemuMigrationSrcPerformPeer2Peer3): the target prepares a domain that waits, the memory is
 * sent while the guest runs, the guest is paused for the rest, the target lets it run, and only then the source ends its
 * own. Whoever is lost on the way leaves behind what the real ones leave.
 *
 * One thing is kinder than the real libvirt: when the target lets the guest run and its answer is lost, the source does
 * not let its own copy run again, as a lock manager sees to it; without one, libvirt itself would run two copies.
 * @module
 */
import type { JobStats } from '../../plugins/libvirt/rpc/driver-values.ts';
import type { MigrateOptions } from '../../plugins/libvirt/rpc/migrate.ts';
import { type Domain, type Hypervisor, refuse } from './hypervisor.ts';

export type MigrationPhase = 'prepare' | 'perform' | 'switch' | 'finish' | 'confirm' | 'over';

export interface MigrationParts {
  readonly source: Hypervisor;
  /** Undefined: nobody is at that address. */
  readonly target: Hypervisor | undefined;
  readonly domain: Domain;
  readonly options: MigrateOptions;
  readonly reaches: (from: string, to: string) => boolean;
}

const procedure = 'domainMigratePerform3Params';
/** After this without a sign of life a libvirtd gives up the other one: five keepalives of five seconds. */
const keepaliveMs = 30_000;
/** How often something that waits for the other side looks again. */
const lookEveryMs = 200;

/** The reason why a migration goes no further. */
class Broken extends Error {}

export class Migration {
  readonly #source: Hypervisor;
  readonly #target: Hypervisor | undefined;
  readonly #domain: Domain;
  readonly #options: MigrateOptions;
  readonly #reaches: MigrationParts['reaches'];
  readonly #memoryMiB: number;
  #incoming: Domain | undefined;
  #phase: MigrationPhase = 'prepare';
  #sentMiB = 0;
  /** The guest stood still before it was moved, and does so afterwards. */
  #wasPaused = false;
  /** Why it is to end; looked at between steps. */
  #broken: Broken | undefined;
  #aborted = false;
  /** The source's libvirtd is gone: nobody drives it any more. */
  #orphaned = false;
  #wake = (): void => {};
  /** Resolves when the guest runs at the target; rejects with what libvirt says. */
  readonly ended: Promise<void>;

  constructor(parts: MigrationParts) {
    this.#source = parts.source;
    this.#target = parts.target;
    this.#domain = parts.domain;
    this.#options = parts.options;
    this.#reaches = parts.reaches;
    this.#memoryMiB = parts.domain.memoryMiB;
    if (parts.domain.pending || parts.domain.migration !== undefined)
      throw refuse(procedure, 'OPERATION_INVALID', 'Requested operation is not valid: domain has a job');
    parts.domain.migration = this;
    parts.source.outgoing.add(this);
    this.ended = this.#run();
  }

  get phase(): MigrationPhase {
    return this.#phase;
  }

  stats(): JobStats {
    const mib = 1024 * 1024;
    return {
      type: 'unbounded',
      values: {
        operation: 5,
        memory_total: this.#memoryMiB * mib,
        memory_processed: Math.round(this.#sentMiB * mib),
        memory_remaining: Math.round(Math.max(0, this.#memoryMiB - this.#sentMiB) * mib),
      },
    };
  }

  /** False when it is too late. */
  abort(): boolean {
    if (this.#phase !== 'prepare' && this.#phase !== 'perform') return false;
    this.#aborted = true;
    this.#break('migration job: canceled by client');
    return true;
  }

  onGuestEnd(at: Hypervisor): void {
    this.#break(at === this.#source ? 'domain is no longer running' : 'the domain ended at the destination');
  }

  onPowerOff(at: Hypervisor): void {
    if (at === this.#source) {
      this.#orphaned = true;
      this.#over();
      // The target hears nothing any more, and gives up what has not come to run.
      const { incoming, target } = this.#ends();
      if (incoming?.pending === true && target !== undefined) this.#discardAfter(target, incoming, keepaliveMs);
    }
    // A target without power: the source waits for a sign of life.
  }

  onLibvirtdEnd(at: Hypervisor): void {
    if (at !== this.#source) return this.#wake();
    this.#orphaned = true;
    const { incoming, target } = this.#ends();
    // Its connection is closed at once: the target gives up what has not come to run.
    if (incoming?.pending === true && target !== undefined) this.#discardAfter(target, incoming, 100);
  }

  onLibvirtdStart(at: Hypervisor): void {
    if (at === this.#source) this.#recoverSource();
    else this.#recoverTarget();
  }

  async #run(): Promise<void> {
    try {
      await this.#prepare();
      await this.#perform();
      await this.#switch();
      await this.#finish();
      await this.#confirm();
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      await this.#undo();
      if (this.#aborted) throw refuse(procedure, 'OPERATION_ABORTED', `operation aborted: ${error.message}`);
      throw refuse(procedure, 'OPERATION_FAILED', `operation failed: ${error.message}`);
    }
  }

  async #prepare(): Promise<void> {
    const target = this.#target;
    await this.#step(20, 150);
    if (target === undefined || target === this.#source)
      throw new Broken('unable to connect to server: no route to host');
    if (target.libvirtd === 'down' && target.powered)
      throw new Broken('unable to connect to server: connection refused');
    await this.#untilHeard(target, 'unable to connect to server: connection timed out');
    const { uuid, name, xml, memoryMiB, disks } = this.#domain;
    if (target.domains.has(uuid)) throw new Broken(`domain '${name}' is already active`);
    const incoming = target.add({ uuid, name, xml: this.#options.xml ?? xml, memoryMiB, disks }, 'migration');
    incoming.migration = this;
    this.#incoming = incoming;
    target.tell(incoming, 'started', 'migrated');
    this.#say('is prepared');
  }

  async #perform(): Promise<void> {
    this.#phase = 'perform';
    this.#say('copies its memory');
    const { random } = this.#source;
    const mibPerMs = random.ms(60, 400) / 1000;
    while (this.#sentMiB < this.#memoryMiB) {
      const part = Math.min(this.#memoryMiB - this.#sentMiB, mibPerMs * 500);
      await this.#wait(part / mibPerMs);
      await this.#untilHeard(this.#target as Hypervisor, 'the connection to the destination was lost');
      this.#sentMiB += part;
    }
  }

  async #switch(): Promise<void> {
    this.#phase = 'switch';
    this.#wasPaused = this.#domain.state === 'paused';
    if (!this.#wasPaused) {
      this.#source.setPaused(this.#domain, 'migration');
      this.#source.tell(this.#domain, 'suspended', 'migrated');
    }
    await this.#wait(this.#source.random.ms(20, this.#options.maxDowntimeMs ?? 300));
    await this.#untilHeard(this.#target as Hypervisor, 'the connection to the destination was lost');
  }

  async #finish(): Promise<void> {
    this.#phase = 'finish';
    await this.#step(2, 20);
    const target = this.#target as Hypervisor;
    await this.#untilHeard(target, 'the connection to the destination was lost');
    const incoming = this.#incoming as Domain;
    if (target.domains.get(incoming.uuid) !== incoming) throw new Broken('the domain ended at the destination');
    incoming.pending = false;
    // Its libvirtd has no job with it any more, whatever becomes of the source.
    incoming.migration = undefined;
    if (this.#wasPaused) {
      target.setPaused(incoming, 'user');
      target.tell(incoming, 'suspended', 'paused');
    } else {
      target.setRunning(incoming, 'migrated');
      target.tell(incoming, 'resumed', 'migrated');
    }
    this.#say('runs at the destination');
    await this.#step(2, 20);
    // From here on the source only waits for the answer. Whoever loses it does not know whether the guest runs there.
    await this.#untilHeard(target, 'the answer of the destination was lost');
  }

  async #confirm(): Promise<void> {
    this.#phase = 'confirm';
    if (this.#incoming !== undefined) this.#incoming.migration = undefined;
    await this.#step(5, 50);
    this.#domain.migration = undefined;
    if (this.#source.domains.get(this.#domain.uuid) === this.#domain) this.#source.end(this.#domain, 'migrated');
    this.#over();
    this.#say('is done');
  }

  /** It did not work: the target forgets the domain, the source goes on with it. */
  async #undo(): Promise<void> {
    const { incoming, target } = this.#ends();
    if (incoming?.pending === true && target !== undefined) {
      const told = target.libvirtd === 'up' && this.#reaches(this.#source.node, target.node);
      this.#discardAfter(target, incoming, told ? 5 : keepaliveMs);
    } else if (incoming !== undefined) incoming.migration = undefined;
    this.#over();
    this.#domain.migration = undefined;
    this.#say('has failed');
    await this.#source.work(this.#source.random.ms(5, 50));
    this.#goOnAtSource();
  }

  #goOnAtSource(): void {
    const { uuid } = this.#domain;
    if (this.#source.domains.get(uuid) !== this.#domain) return;
    if (this.#domain.state !== 'paused' || this.#domain.reason !== 'migration') return;
    // The lock manager: the disks are the other copy's.
    if (this.#source.guests.of(uuid).running.size > 0) return;
    this.#source.setRunning(this.#domain, 'migration-canceled');
    this.#source.tell(this.#domain, 'resumed', 'migrated');
  }

  /** The libvirtd of the source is back and finds a domain that was on its way. */
  #recoverSource(): void {
    const phase = this.#phase;
    this.#over();
    this.#domain.migration = undefined;
    const there = this.#source.domains.get(this.#domain.uuid) === this.#domain;
    if (phase === 'confirm' && there) this.#source.end(this.#domain, 'migrated');
    // It was told to finish: nobody knows here whether it runs there. libvirt leaves the domain paused.
    else if (phase !== 'finish') this.#goOnAtSource();
  }

  #recoverTarget(): void {
    const { incoming, target } = this.#ends();
    if (incoming === undefined || target === undefined) return;
    incoming.migration = undefined;
    if (incoming.pending) target.end(incoming, 'failed');
  }

  #ends(): { incoming: Domain | undefined; target: Hypervisor | undefined } {
    const target = this.#target;
    const incoming = this.#incoming;
    return {
      incoming: incoming !== undefined && target?.domains.get(incoming.uuid) === incoming ? incoming : undefined,
      target,
    };
  }

  #discardAfter(target: Hypervisor, incoming: Domain, ms: number): void {
    target.clock.after(ms, () => {
      if (target.domains.get(incoming.uuid) !== incoming || !incoming.pending) return;
      // A target whose libvirtd is away does it when that is back.
      if (target.libvirtd === 'down') return;
      if (target.libvirtd === 'hung') return this.#discardAfter(target, incoming, lookEveryMs);
      incoming.migration = undefined;
      target.end(incoming, 'failed');
    });
  }

  #over(): void {
    this.#phase = 'over';
    this.#source.outgoing.delete(this);
  }

  #break(why: string): void {
    this.#broken ??= new Broken(why);
    this.#wake();
  }

  /** A step of the source's libvirtd. */
  async #step(fromMs: number, toMs: number): Promise<void> {
    await this.#source.work(this.#source.random.ms(fromMs, toMs));
    this.#look();
  }

  /** QEMU is at work, whether or not its libvirtd is. */
  async #wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = this.#source.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    if (this.#orphaned) await new Promise(() => {});
    await this.#source.work(0);
    this.#look();
  }

  /** Waits for a sign of life of the other side; not for ever. */
  async #untilHeard(target: Hypervisor, lost: string): Promise<void> {
    const { clock, node } = this.#source;
    const untilMs = clock.monotonicMs() + keepaliveMs;
    for (;;) {
      const there = target.powered && this.#reaches(node, target.node) && this.#reaches(target.node, node);
      // A machine that is there and whose libvirtd is not says so.
      if (there && target.libvirtd === 'down') throw new Broken(lost);
      if (there && this.#incoming !== undefined && this.#ends().incoming === undefined) throw new Broken(lost);
      if (there && target.libvirtd === 'up') return;
      if (clock.monotonicMs() >= untilMs) throw new Broken(lost);
      await this.#wait(lookEveryMs);
    }
  }

  #look(): void {
    if (this.#broken !== undefined && this.#phase !== 'confirm') throw this.#broken;
  }

  #say(what: string): void {
    this.#source.trace.world(
      this.#domain.name,
      `migration ${this.#source.node} → ${this.#target?.node ?? '?'} ${what}`,
    );
  }
}
