/** A connection of one life of a daemon to the pretended libvirtd of its node. @module */
import type { Host, PvcError } from '../../core/plugin/api.ts';
import type { GuestDriver } from '../../plugins/libvirt/guest-driver.ts';
import type { DomainStats } from '../../plugins/libvirt/rpc/domain-stats.ts';
import type {
  DomainInfo,
  DomainSummary,
  Ended,
  JobStats,
  ShutdownMode,
} from '../../plugins/libvirt/rpc/driver-values.ts';
import { libvirtError } from '../../plugins/libvirt/rpc/errors.ts';
import type { DomainEvent, DomainEventKind } from '../../plugins/libvirt/rpc/event-kinds.ts';
import type { DomainEventListener, Unsubscribe } from '../../plugins/libvirt/rpc/events.ts';
import type { MigrateOptions } from '../../plugins/libvirt/rpc/migrate.ts';
import { type Hypervisor, readXml, refuse } from './hypervisor.ts';
import type { Life } from './life.ts';
import { Migration } from './migration.ts';

const target = '/run/libvirt/libvirt-sock';
const cancelAgainMs = 500;

export interface DriverParts {
  readonly life: Life;
  readonly host: Pick<Host, 'clock'>;
  readonly hypervisor: Hypervisor;
  /** The hypervisor at an address of the cluster network. */
  readonly at: (address: string) => Hypervisor | undefined;
  readonly reaches: (from: string, to: string) => boolean;
  /** A guest is to be started. */
  readonly starts: (uuid: string) => void;
}

/** @throws PvcError CONNECT_FAILED where libvirtd does not run */
export async function openSimDriver(parts: DriverParts): Promise<SimDriver> {
  const { life, hypervisor } = parts;
  await life.call('libvirt.open', async () => {
    await hypervisor.clock.sleep(hypervisor.random.ms(1, 4));
    if (hypervisor.libvirtd === 'down') throw libvirtError('LIBVIRT_LOST', { target, reason: 'connection refused' });
    // A libvirtd that hangs takes the connection and then says nothing.
    if (hypervisor.libvirtd === 'hung') {
      await hypervisor.clock.sleep(5_000);
      throw libvirtError('LIBVIRT_HUNG', { target, seconds: 5 });
    }
  });
  return new SimDriver(parts);
}

export class SimDriver implements GuestDriver {
  readonly closed: Promise<PvcError | undefined>;
  readonly events: GuestDriver['events'];
  readonly #parts: DriverParts;
  readonly #subscriptions = new Set<{ kinds: ReadonlySet<DomainEventKind>; listener: DomainEventListener }>();
  readonly #pending = new Set<(reason: PvcError) => void>();
  #over: PvcError | undefined;
  #finish: (reason: PvcError | undefined) => void = () => {};

  constructor(parts: DriverParts) {
    this.#parts = parts;
    const { life, hypervisor } = parts;
    this.closed = new Promise((resolve) => {
      this.#finish = (reason) => life.hear(() => resolve(reason));
    });
    hypervisor.connections.add(this);
    life.until(() => hypervisor.connections.delete(this));
    this.events = {
      subscribe: async (kinds, listener): Promise<Unsubscribe> => {
        await this.#ask('subscribe', 'read', () => undefined);
        const subscription = { kinds: new Set(kinds), listener };
        this.#subscriptions.add(subscription);
        return async () => void this.#subscriptions.delete(subscription);
      },
    };
  }

  /** The hypervisor tells an event; it may come a moment later. */
  tell(event: DomainEvent): void {
    const { life, hypervisor } = this.#parts;
    hypervisor.clock.after(hypervisor.random.ms(0, 3), () => {
      if (this.#over !== undefined) return;
      life.hear(() => {
        for (const { kinds, listener } of this.#subscriptions) if (kinds.has(event.kind)) listener(event);
      });
    });
  }

  /** The connection breaks. */
  lose(why: string): void {
    if (this.#over !== undefined) return;
    const reason = libvirtError('LIBVIRT_LOST', { target, reason: why });
    this.#over = reason;
    this.#parts.hypervisor.connections.delete(this);
    for (const reject of [...this.#pending]) reject(reason);
    this.#finish(reason);
  }

  async close(): Promise<void> {
    if (this.#over !== undefined) return;
    this.#over = libvirtError('LIBVIRT_CLOSED', { target });
    this.#parts.hypervisor.connections.delete(this);
    for (const reject of [...this.#pending]) reject(this.#over);
    this.#finish(undefined);
  }

  listDomains(): Promise<readonly DomainSummary[]> {
    return this.#ask('listDomains', 'read', (hypervisor) => hypervisor.list());
  }

  stats(): Promise<DomainStats[]> {
    return this.#ask('stats', 'read', () => []);
  }

  info(uuid: string): Promise<DomainInfo | undefined> {
    return this.#ask('info', 'read', ({ domains }) => {
      const domain = domains.get(uuid);
      if (domain === undefined) return undefined;
      const { state, reason, memoryMiB } = domain;
      return { state, reason, maxMemoryKiB: memoryMiB * 1024, memoryKiB: memoryMiB * 1024, vcpus: 1, cpuTimeNs: 0 };
    });
  }

  getXml(uuid: string): Promise<string | undefined> {
    return this.#ask('getXml', 'read', ({ domains }) => {
      const domain = domains.get(uuid);
      return domain?.xml.replace(/^<domain /, `<domain id='${domain.id}' `);
    });
  }

  create(xml: string): Promise<string> {
    this.#parts.starts(readXml(xml).uuid);
    return this.#ask('create', 'write', (hypervisor) => hypervisor.create(xml));
  }

  destroy(uuid: string): Promise<Ended> {
    return this.#ask('destroy', 'write', (hypervisor) => hypervisor.destroy(uuid));
  }

  shutdown(uuid: string, _mode: ShutdownMode): Promise<void> {
    return this.#ask('shutdown', 'write', (hypervisor) => hypervisor.shutdown(uuid));
  }

  reset(uuid: string): Promise<void> {
    return this.#ask('reset', 'write', (hypervisor) => void hypervisor.need(uuid, 'domainReset'));
  }

  suspend(uuid: string): Promise<void> {
    return this.#ask('suspend', 'write', (hypervisor) => hypervisor.suspend(uuid));
  }

  resume(uuid: string): Promise<void> {
    return this.#ask('resume', 'write', (hypervisor) => hypervisor.resume(uuid));
  }

  attachDevice(uuid: string): Promise<void> {
    return this.#ask('attachDevice', 'write', (hypervisor) => void hypervisor.need(uuid, 'domainAttachDeviceFlags'));
  }

  detachDevice(uuid: string): Promise<void> {
    return this.#ask('detachDevice', 'write', (hypervisor) => void hypervisor.need(uuid, 'domainDetachDeviceFlags'));
  }

  updateDevice(uuid: string): Promise<void> {
    return this.#ask('updateDevice', 'write', (hypervisor) => void hypervisor.need(uuid, 'domainUpdateDeviceFlags'));
  }

  openConsole(): Promise<never> {
    return this.#ask('openConsole', 'read', () => {
      throw refuse('domainOpenConsole', 'NO_SUPPORT', 'pretended guests have no console');
    });
  }

  /** Nothing in a simulated world has a key. */
  async setSecret(): Promise<string> {
    return '';
  }

  /** No guest there has a volume that could grow, or an agent. */
  async blockResize(): Promise<void> {
    throw refuse('domainBlockResize', 'NO_SUPPORT', 'no volumes in a simulated world');
  }

  async fsFreeze(): Promise<number> {
    throw refuse('domainFsFreeze', 'NO_SUPPORT', 'no agents in a simulated world');
  }

  async fsThaw(): Promise<number> {
    throw refuse('domainFsThaw', 'NO_SUPPORT', 'no agents in a simulated world');
  }

  versions(): Promise<{ libvirt: string; hypervisor: string }> {
    return this.#ask('versions', 'read', () => ({ libvirt: '9.0.0', hypervisor: '7.2.0' }));
  }

  jobStats(uuid: string, completed = false): Promise<JobStats | undefined> {
    return this.#ask('jobStats', 'read', ({ domains }) => {
      const domain = domains.get(uuid);
      if (domain === undefined) return undefined;
      if (completed || domain.migration === undefined) return { type: 'none', values: {} };
      return domain.migration.stats();
    });
  }

  abortJob(uuid: string): Promise<void> {
    return this.#ask('abortJob', 'write', (hypervisor) => {
      const { migration } = hypervisor.need(uuid, 'domainAbortJob');
      if (migration?.abort() !== true)
        throw refuse('domainAbortJob', 'OPERATION_INVALID', 'Requested operation is not valid: no job is active');
    });
  }

  /** As `migrateP2P` of the real driver: the deadline and the signal ask libvirt to abort, again and again, and then wait for its verdict. */
  async migrateP2P(uuid: string, options: MigrateOptions): Promise<void> {
    const { host, reaches, at } = this.#parts;
    if (options.signal?.aborted === true) throw libvirtError('LIBVIRT_CANCELLED', { procedure: 'the migration' });
    let settled = false;
    const cancel = async (): Promise<void> => {
      while (!settled) {
        // There may be no job yet, or none any more: the verdict comes from the migration itself.
        await this.abortJob(uuid).catch(() => undefined);
        await host.clock.sleep(cancelAgainMs);
      }
    };
    const onCancel = (): void => void cancel();
    const cancelTimer = host.clock.after(options.timeoutMs, onCancel);
    options.signal?.addEventListener('abort', onCancel, { once: true });
    try {
      await this.#ask('migrateP2P', 'write', (hypervisor) => {
        const domain = hypervisor.need(uuid, 'domainMigratePerform3Params');
        const address = /\/\/\[?([^\]/?]+?)\]?(?::\d+)?\//.exec(options.destinationUri)?.[1] ?? options.destinationUri;
        return new Migration({ source: hypervisor, target: at(address), domain, options, reaches }).ended;
      });
    } finally {
      settled = true;
      cancelTimer();
      options.signal?.removeEventListener('abort', onCancel);
    }
  }

  /** One call: it takes its time to get there, to be worked on, and to be answered; the connection may break at any point. */
  #ask<T>(name: string, effect: 'read' | 'write', run: (hypervisor: Hypervisor) => T | Promise<T>): Promise<T> {
    const { life, hypervisor } = this.#parts;
    return life.call(`libvirt.${name}`, () => {
      if (this.#over !== undefined) return Promise.reject(this.#over);
      return new Promise<T>((resolve, reject) => {
        const cutOff = (reason: PvcError): void => {
          this.#pending.delete(cutOff);
          reject(
            effect === 'read'
              ? reason
              : libvirtError('LIBVIRT_OUTCOME_UNKNOWN', { procedure: name, reason: reason.message }, { cause: reason }),
          );
        };
        this.#pending.add(cutOff);
        const { random } = hypervisor;
        const settle = (end: () => void): void => {
          if (this.#pending.delete(cutOff)) end();
        };
        const answer = (result: T): void =>
          hypervisor.whenWorked(random.ms(0.2, 1), () => settle(() => resolve(result)));
        hypervisor.whenWorked(random.ms(0.5, 2), () => {
          let result: T | Promise<T>;
          try {
            result = run(hypervisor);
          } catch (error) {
            return settle(() => reject(error instanceof Error ? error : new Error(String(error), { cause: error })));
          }
          if (!(result instanceof Promise)) return answer(result);
          const coming = result;
          coming.then(answer, () => settle(() => resolve(coming)));
        });
      });
    });
  }
}
