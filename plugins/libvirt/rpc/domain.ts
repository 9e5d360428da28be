/**
 * libvirt as PVC's guest controller uses it: guests by UUID, plain values in and out, "there is no such
 * guest" as a value where that is an answer and as an error where it is not.
 * @module
 */
import type { Duplex } from 'node:stream';
import type { Host, PvcError } from '../../../core/plugin/api.ts';
import { type CallOptions, type LibvirtConnection, type LibvirtOptions, openLibvirt } from './connection.ts';
import { type DomainStats, readDomainStats, stateNames } from './domain-stats.ts';
import type {
  DomainInfo,
  DomainSummary,
  Ended,
  GuestInterface,
  JobStats,
  NodeInfo,
  ShutdownMode,
} from './driver-values.ts';
import { isLibvirt } from './errors.ts';
import { DomainEvents } from './events.ts';
import {
  addressSource,
  blockResizeFlag,
  consoleFlag,
  createFlag,
  destroyFlag,
  impact,
  jobStatsFlag,
  memoryFlag,
  rebootFlag,
  shutdownFlag,
  statsGroup,
  statsNoWait,
  xmlFlag,
} from './flags.ts';
import { Lanes } from './lanes.ts';
import { type MigrateOptions, migrateP2P } from './migrate.ts';
import { jobTypes, memoryStatTags, nameOf } from './names.ts';
import { limits, plainValues, type WireDomain } from './wire.ts';

/** The driver finds a domain by its UUID alone; the name only has to be a name. */
const handle = (uuid: string): WireDomain => ({ name: uuid, uuid, id: -1 });

const allStats =
  statsGroup.state | statsGroup.cpu | statsGroup.balloon | statsGroup.vcpu | statsGroup.interface | statsGroup.block;

/** Calls that wait for the guest's agent end within this even when the agent does not answer. */
const agentTimeoutMs = 60_000;

const dotted = (version: number): string =>
  `${Math.floor(version / 1_000_000)}.${Math.floor(version / 1_000) % 1_000}.${version % 1_000}`;

export class LibvirtDriver {
  readonly connection: LibvirtConnection;
  readonly events: DomainEvents;
  /** Resolves when the driver is of no use any more, with the reason unless it was closed here. Open a new one then. */
  readonly closed: Promise<PvcError | undefined>;
  private readonly host: Pick<Host, 'clock' | 'log'>;
  private readonly lanes: Lanes;

  private constructor(
    host: Pick<Host, 'net' | 'clock' | 'log'>,
    options: LibvirtOptions,
    connection: LibvirtConnection,
  ) {
    this.host = host;
    this.connection = connection;
    this.closed = connection.closed;
    this.lanes = new Lanes(host, options, connection);
    this.events = new DomainEvents(connection, host.log);
  }

  /** @throws as `openLibvirt` */
  static async open(host: Pick<Host, 'net' | 'clock' | 'log'>, options: LibvirtOptions): Promise<LibvirtDriver> {
    return new LibvirtDriver(host, options, await openLibvirt(host, options));
  }

  async close(): Promise<void> {
    await this.lanes.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Every domain that libvirt knows, with its state, in one call that no hung guest can hold up. */
  async listDomains(options?: CallOptions): Promise<readonly DomainSummary[]> {
    const { records } = await this.lanes.call(
      'connectGetAllDomainStats',
      { domains: [], stats: statsGroup.state, flags: statsNoWait },
      options,
    );
    return records.map((record) => {
      const { uuid, name, id, state, reason } = readDomainStats(record);
      return { uuid, name, id, state, reason };
    });
  }

  /** Statistics of all domains, or of those given; one that is not here is left out, and so are figures that a busy guest cannot tell at once. */
  async stats(uuids?: readonly string[], options?: CallOptions): Promise<DomainStats[]> {
    // To libvirt an empty list means all of them.
    if (uuids?.length === 0) return [];
    const args = { domains: (uuids ?? []).map(handle), stats: allStats, flags: statsNoWait };
    const { records } = await this.lanes.call('connectGetAllDomainStats', args, options);
    return records.map(readDomainStats);
  }

  info(uuid: string): Promise<DomainInfo | undefined> {
    return absentAs(undefined, async () => {
      const domain = handle(uuid);
      const info = await this.lanes.call('domainGetInfo', { domain });
      const { state, reason } = await this.lanes.call('domainGetState', { domain, flags: 0 });
      const { maxMemoryKiB, memoryKiB, vcpus, cpuTimeNs } = info;
      return { ...stateNames(state, reason), maxMemoryKiB, memoryKiB, vcpus, cpuTimeNs: Number(cpuTimeNs) };
    });
  }

  /** Domain XML; `secure` with passwords. Undefined when there is no such domain. */
  getXml(
    uuid: string,
    wanted: { readonly secure?: boolean; readonly inactive?: boolean; readonly migratable?: boolean } = {},
  ): Promise<string | undefined> {
    const flags =
      (wanted.secure === true ? xmlFlag.secure : 0) |
      (wanted.inactive === true ? xmlFlag.inactive : 0) |
      (wanted.migratable === true ? xmlFlag.migratable : 0);
    return absentAs(
      undefined,
      async () => (await this.lanes.call('domainGetXmlDesc', { domain: handle(uuid), flags })).xml,
    );
  }

  /** Starts a transient domain and returns its UUID. `autodestroy`: it ends with this connection. */
  async create(
    xml: string,
    options: { readonly paused?: boolean; readonly autodestroy?: boolean } & CallOptions = {},
  ): Promise<string> {
    const flags =
      (options.paused === true ? createFlag.paused : 0) | (options.autodestroy === true ? createFlag.autodestroy : 0);
    const call = { xml, flags };
    // Autodestroy watches the connection that made the call, so that must be the one that stays.
    const { domain } =
      options.autodestroy === true
        ? await this.connection.call('domainCreateXml', call, options)
        : await this.lanes.call('domainCreateXml', call, options);
    return domain.uuid;
  }

  /** Ends the guest like a pulled plug. `graceful`: refuse rather than kill a QEMU that does not end within libvirt's time. */
  async destroy(uuid: string, graceful = false): Promise<Ended> {
    const domain = handle(uuid);
    try {
      await this.lanes.call('domainDestroyFlags', { domain, flags: graceful ? destroyFlag.graceful : 0 });
      return 'done';
    } catch (error) {
      if (isLibvirt(error, 'NO_DOMAIN')) return 'absent';
      // A persistent domain that does not run is there, but there is nothing to end.
      if (isLibvirt(error, 'OPERATION_INVALID') && !(await this.isActive(uuid))) return 'absent';
      throw error;
    }
  }

  /** Asks the guest to shut down; whether it does, its lifecycle events tell. */
  async shutdown(uuid: string, mode: ShutdownMode): Promise<void> {
    const args = { domain: handle(uuid), flags: shutdownFlag[mode] };
    if (mode === 'acpi') await this.lanes.call('domainShutdownFlags', args);
    else
      await this.withAgent((connection) => connection.call('domainShutdownFlags', args, { timeoutMs: agentTimeoutMs }));
  }

  /** Asks the guest to reboot. */
  async reboot(uuid: string, mode: ShutdownMode): Promise<void> {
    const args = { domain: handle(uuid), flags: rebootFlag[mode] };
    if (mode === 'acpi') await this.lanes.call('domainReboot', args);
    else await this.withAgent((connection) => connection.call('domainReboot', args, { timeoutMs: agentTimeoutMs }));
  }

  /** Presses the reset button. */
  async reset(uuid: string): Promise<void> {
    await this.lanes.call('domainReset', { domain: handle(uuid), flags: 0 });
  }

  /** Stops the virtual CPUs. */
  async suspend(uuid: string): Promise<void> {
    await this.lanes.call('domainSuspend', { domain: handle(uuid) });
  }

  async resume(uuid: string): Promise<void> {
    await this.lanes.call('domainResume', { domain: handle(uuid) });
  }

  /** `live` false changes the definition of a domain that does not run. */
  async attachDevice(uuid: string, xml: string, live = true): Promise<void> {
    await this.lanes.call('domainAttachDeviceFlags', {
      domain: handle(uuid),
      xml,
      flags: live ? impact.live : impact.config,
    });
  }

  /**
   * Returns when the guest has been asked and has had 5 s; the event `device-removed` tells that the device is out. Until then
   * do not ask again: libvirtd 9.0 was seen to crash when asked to detach a device that was just leaving.
   */
  async detachDevice(uuid: string, xml: string, live = true): Promise<void> {
    await this.lanes.call('domainDetachDeviceFlags', {
      domain: handle(uuid),
      xml,
      flags: live ? impact.live : impact.config,
    });
  }

  /** Changes what can change in place: medium of a CD-ROM, link state or bridge of a NIC, VNC password. */
  async updateDevice(uuid: string, xml: string, live = true): Promise<void> {
    await this.lanes.call('domainUpdateDeviceFlags', {
      domain: handle(uuid),
      xml,
      flags: live ? impact.live : impact.config,
    });
  }

  /** Balloon target of a running domain; `maximum` sets the upper limit instead (only while it does not run). */
  async setMemory(
    uuid: string,
    memoryKiB: number,
    options: { readonly maximum?: boolean; readonly live?: boolean } = {},
  ): Promise<void> {
    const flags =
      ((options.live ?? true) ? impact.live : impact.config) | (options.maximum === true ? memoryFlag.maximum : 0);
    await this.lanes.call('domainSetMemoryFlags', { domain: handle(uuid), memoryKiB, flags });
  }

  /** How often the guest's balloon driver reports; 0 stops it. */
  async setMemoryStatsPeriod(uuid: string, periodS: number): Promise<void> {
    await this.lanes.call('domainSetMemoryStatsPeriod', { domain: handle(uuid), periodS, flags: impact.live });
  }

  /** Memory statistics by name (`actual-balloon`, `rss`, …) in KiB; undefined when the domain is absent. */
  memoryStats(uuid: string): Promise<Readonly<Record<string, number>> | undefined> {
    return absentAs(undefined, async () => {
      const { stats } = await this.lanes.call('domainMemoryStats', {
        domain: handle(uuid),
        maxStats: limits.memoryStats,
        flags: 0,
      });
      return Object.fromEntries(stats.map(({ tag, value }) => [nameOf(memoryStatTags, tag), Number(value)]));
    });
  }

  async setVcpus(uuid: string, count: number, live = true): Promise<void> {
    await this.lanes.call('domainSetVcpusFlags', {
      domain: handle(uuid),
      count,
      flags: live ? impact.live : impact.config,
    });
  }

  /** Tells QEMU and the guest that a disk has grown. `disk`: target or path. */
  async blockResize(uuid: string, disk: string, sizeBytes: number): Promise<void> {
    await this.lanes.call('domainBlockResize', {
      domain: handle(uuid),
      disk,
      size: sizeBytes,
      flags: blockResizeFlag.bytes,
    });
  }

  /** The serial console, on a connection of its own with full back pressure. `force` takes it from whoever has it. */
  openConsole(uuid: string, options: { readonly device?: string; readonly force?: boolean } = {}): Promise<Duplex> {
    const flags = options.force === true ? consoleFlag.force : 0;
    return this.lanes.stream('domainOpenConsole', { domain: handle(uuid), device: options.device, flags });
  }

  /** @see migrateP2P */
  async migrateP2P(uuid: string, options: MigrateOptions): Promise<void> {
    await migrateP2P(this.host, this.lanes, handle(uuid), options);
  }

  /** The job under way (a migration, say), or the last one that ended here when `completed`. */
  async jobStats(uuid: string, completed = false): Promise<JobStats | undefined> {
    return absentAs(undefined, async () => {
      const flags = completed ? jobStatsFlag.completed | jobStatsFlag.keepCompleted : 0;
      const { type, params } = await this.lanes.call('domainGetJobStats', { domain: handle(uuid), flags });
      return { type: nameOf(jobTypes, type), values: plainValues(params) };
    });
  }

  /** Cancels the job under way. @throws LibvirtError OPERATION_INVALID when there is none */
  async abortJob(uuid: string): Promise<void> {
    await this.lanes.call('domainAbortJob', { domain: handle(uuid) });
  }

  /** Switches a migration begun with `postCopy` to post-copy. */
  async startPostCopy(uuid: string): Promise<void> {
    await this.lanes.call('domainMigrateStartPostCopy', { domain: handle(uuid), flags: 0 });
  }

  /** Freezes the guest's file systems through its agent; returns how many. No mount points: all. */
  async fsFreeze(uuid: string, mountPoints: readonly string[] = []): Promise<number> {
    const args = { domain: handle(uuid), mountPoints, flags: 0 };
    return (
      await this.withAgent((connection) => connection.call('domainFsFreeze', args, { timeoutMs: agentTimeoutMs }))
    ).count;
  }

  async fsThaw(uuid: string, mountPoints: readonly string[] = []): Promise<number> {
    const args = { domain: handle(uuid), mountPoints, flags: 0 };
    return (await this.withAgent((connection) => connection.call('domainFsThaw', args, { timeoutMs: agentTimeoutMs })))
      .count;
  }

  /** A command of the QEMU guest agent: JSON in, JSON out. */
  async agentCommand(uuid: string, command: string, timeoutS: number): Promise<string | undefined> {
    const args = { domain: handle(uuid), command, timeoutS, flags: 0 };
    const { answer } = await this.withAgent((connection) =>
      connection.call('domainAgentCommand', args, { timeoutMs: (timeoutS + 5) * 1_000 }),
    );
    return answer;
  }

  /** The guest's addresses: from its agent, or from the host's ARP table. */
  async interfaceAddresses(uuid: string, source: 'agent' | 'arp'): Promise<GuestInterface[]> {
    const args = { domain: handle(uuid), source: addressSource[source], flags: 0 };
    const { interfaces } = await this.withAgent((connection) =>
      connection.call('domainInterfaceAddresses', args, { timeoutMs: agentTimeoutMs }),
    );
    return interfaces.map(({ name, hardwareAddress, addresses }) => ({
      name,
      mac: hardwareAddress,
      addresses: addresses.map(({ type, address, prefix }) => ({ address, prefix, family: type === 1 ? 6 : 4 })),
    }));
  }

  /** What this host and its QEMU can do, as XML. */
  async capabilities(): Promise<string> {
    return (await this.lanes.call('connectGetCapabilities', {})).xml;
  }

  /** What a guest can have here, as XML; what is left out is chosen by libvirt. */
  async domainCapabilities(
    wanted: {
      readonly emulator?: string;
      readonly arch?: string;
      readonly machine?: string;
      readonly virtType?: string;
    } = {},
  ): Promise<string> {
    const { emulator, arch, machine, virtType } = wanted;
    return (await this.lanes.call('connectGetDomainCapabilities', { emulator, arch, machine, virtType, flags: 0 })).xml;
  }

  async nodeInfo(): Promise<NodeInfo> {
    const { model, memoryKiB, cpus, mhz, nodes, sockets, cores, threads } = await this.lanes.call('nodeGetInfo', {});
    return { model, memoryKiB, cpus, mhz, numaNodes: nodes, sockets, coresPerSocket: cores, threadsPerCore: threads };
  }

  /** Versions as text, such as 9.0.0 and 7.2.22. */
  async versions(): Promise<{ readonly libvirt: string; readonly hypervisor: string }> {
    const libvirt = await this.lanes.call('connectGetLibVersion', {});
    const hypervisor = await this.lanes.call('connectGetVersion', {});
    return { libvirt: dotted(libvirt.version), hypervisor: dotted(hypervisor.version) };
  }

  /** Defines a secret from XML, or redefines the one with its UUID, and sets its value. Returns the UUID. */
  async setSecret(xml: string, value: Uint8Array): Promise<string> {
    const { secret } = await this.lanes.call('secretDefineXml', { xml, flags: 0 });
    await this.lanes.call('secretSetValue', { secret, value, flags: 0 });
    return secret.uuid;
  }

  async removeSecret(uuid: string): Promise<Ended> {
    try {
      const { secret } = await this.lanes.call('secretLookupByUuid', { uuid });
      await this.lanes.call('secretUndefine', { secret });
      return 'done';
    } catch (error) {
      if (isLibvirt(error, 'NO_SECRET')) return 'absent';
      throw error;
    }
  }

  private async isActive(uuid: string): Promise<boolean> {
    return absentAs(false, async () => (await this.lanes.call('domainIsActive', { domain: handle(uuid) })).active);
  }

  /** An agent answers when it likes; such calls must not take the place of others. */
  private withAgent<T>(use: (connection: LibvirtConnection) => Promise<T>): Promise<T> {
    return this.lanes.alone(use);
  }
}

/** Runs `work`; the answer "no such domain" becomes `value`. */
async function absentAs<T, V>(value: V, work: () => Promise<T>): Promise<T | V> {
  try {
    return await work();
  } catch (error) {
    if (isLibvirt(error, 'NO_DOMAIN')) return value;
    throw error;
  }
}
