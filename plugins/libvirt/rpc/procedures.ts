/**
 * The procedures of libvirt's remote protocol that PVC uses: number, layout of arguments and result,
 * and whether a call changes anything. From this table come the types of `LibvirtConnection.call`.
 * Facts: libvirt 9.0's remote protocol; `proof.real.test.ts` makes each of these calls on a real libvirtd.
 * @module
 */
import {
  array,
  type Codec,
  charVector,
  hyper,
  int,
  intBool,
  nothing,
  opaque,
  optional,
  struct,
  uhyper,
  uhyperNumber,
  uint,
  type ValueOf,
} from './codec.ts';
import { program } from './frame.ts';
import { domain, limits, namedValue, optionalText, secret, text, typedParam, typedParams, uuid } from './wire.ts';

export interface Procedure<A, R> {
  readonly program: number;
  readonly number: number;
  /**
   * `read`: asking again does no harm. `write`: when the connection ends or the time is up before the
   * answer, nobody knows whether it happened, and the error says so.
   */
  readonly effect: 'read' | 'write';
  /** The reply is followed by a stream of bytes in both directions. */
  readonly stream: boolean;
  readonly args: Codec<A>;
  readonly result: Codec<R>;
}

const read = <A, R>(number: number, args: Codec<A>, result: Codec<R>): Procedure<A, R> => ({
  program: program.remote,
  number,
  effect: 'read',
  stream: false,
  args,
  result,
});
const write = <A, R>(number: number, args: Codec<A>, result: Codec<R>): Procedure<A, R> => ({
  program: program.remote,
  number,
  effect: 'write',
  stream: false,
  args,
  result,
});
const stream = <A>(
  number: number,
  args: Codec<A>,
): Procedure<A, Readonly<Record<string, never>>> & { readonly stream: true } => ({
  program: program.remote,
  number,
  effect: 'write',
  stream: true,
  args,
  result: nothing,
});

const onDomain = struct({ domain });
const onDomainFlags = struct({ domain, flags: uint });
const deviceXml = struct({ domain, xml: text, flags: uint });
const oneDomain = struct({ domain });
const oneXml = struct({ xml: text });
const oneText = struct({ value: text });
const oneSecret = struct({ secret });
const mountPoints = struct({ domain, mountPoints: array(text, limits.mountPoints), flags: uint });

const connectProcedures = {
  authList: read(66, nothing, struct({ types: array(int, limits.authTypes) })),
  connectSupportsFeature: read(60, struct({ feature: int }), struct({ supported: intBool })),
  connectOpen: read(1, struct({ name: optionalText, flags: uint }), nothing),
  connectClose: read(2, nothing, nothing),
  connectGetType: read(3, nothing, oneText),
  connectGetVersion: read(4, nothing, struct({ version: uhyperNumber })),
  connectGetLibVersion: read(157, nothing, struct({ version: uhyperNumber })),
  connectGetHostname: read(59, nothing, oneText),
  connectGetUri: read(110, nothing, oneText),
  connectGetMaxVcpus: read(5, struct({ type: optionalText }), struct({ maxVcpus: int })),
  connectGetCapabilities: read(7, nothing, oneXml),
  connectGetDomainCapabilities: read(
    342,
    struct({ emulator: optionalText, arch: optionalText, machine: optionalText, virtType: optionalText, flags: uint }),
    oneXml,
  ),
  connectGetCpuModelNames: read(
    312,
    struct({ arch: text, needResults: intBool, flags: uint }),
    struct({ models: array(text, limits.cpuModels), count: int }),
  ),
  connectListAllDomains: read(
    273,
    struct({ needResults: intBool, flags: uint }),
    struct({ domains: array(domain, limits.domains), count: uint }),
  ),
  /** An empty list of domains means all of them. */
  connectGetAllDomainStats: read(
    344,
    struct({ domains: array(domain, limits.domains), stats: uint, flags: uint }),
    struct({ records: array(struct({ domain, params: typedParams(limits.domainStats) }), limits.domains) }),
  ),
  /** `domain` absent: events of every domain. */
  connectDomainEventCallbackRegisterAny: read(
    316,
    struct({ eventId: int, domain: optional(domain) }),
    struct({ callbackId: int }),
  ),
  connectDomainEventCallbackDeregisterAny: read(317, struct({ callbackId: int }), nothing),
  /** `memory` in KiB. */
  nodeGetInfo: read(
    6,
    nothing,
    struct({
      model: charVector(32),
      memoryKiB: uhyperNumber,
      cpus: int,
      mhz: int,
      nodes: int,
      sockets: int,
      cores: int,
      threads: int,
    }),
  ),
  /** `cpu` -1: all of them. `count` 0 asks how many values there are, then a second call fetches them; times in ns. */
  nodeGetCpuStats: read(
    227,
    struct({ cpu: int, count: int, flags: uint }),
    struct({ params: array(namedValue, limits.nodeStats), count: int }),
  ),
  /** `cell` -1: all of them. `count` as in `nodeGetCpuStats`; values in KiB. */
  nodeGetMemoryStats: read(
    228,
    struct({ count: int, cell: int, flags: uint }),
    struct({ params: array(namedValue, limits.nodeStats), count: int }),
  ),
  /** In bytes. */
  nodeGetFreeMemory: read(102, nothing, struct({ freeBytes: uhyperNumber })),
  nodeGetCpuMap: read(
    293,
    struct({ needMap: intBool, needOnline: intBool, flags: uint }),
    struct({ cpuMap: opaque(limits.cpuMapBytes), online: uint, count: int }),
  ),
};

const domainProcedures = {
  domainLookupById: read(22, struct({ id: int }), oneDomain),
  domainLookupByName: read(23, struct({ name: text }), oneDomain),
  domainLookupByUuid: read(24, struct({ uuid }), oneDomain),
  domainCreateXml: write(10, struct({ xml: text, flags: uint }), oneDomain),
  domainGetXmlDesc: read(14, onDomainFlags, oneXml),
  /** Memory in KiB, CPU time in ns. */
  domainGetInfo: read(
    16,
    onDomain,
    struct({ state: uint, maxMemoryKiB: uhyperNumber, memoryKiB: uhyperNumber, vcpus: uint, cpuTimeNs: uhyper }),
  ),
  domainGetState: read(212, onDomainFlags, struct({ state: int, reason: int })),
  domainGetControlInfo: read(229, onDomainFlags, struct({ state: uint, details: uint, stateTimeMs: uhyper })),
  domainIsActive: read(150, onDomain, struct({ active: intBool })),
  domainIsPersistent: read(151, onDomain, struct({ persistent: intBool })),
  domainGetMaxMemory: read(17, onDomain, struct({ memoryKiB: uhyperNumber })),
  domainGetMaxVcpus: read(18, onDomain, struct({ count: int })),
  domainDestroyFlags: write(234, onDomainFlags, nothing),
  domainUndefineFlags: write(231, onDomainFlags, nothing),
  domainShutdownFlags: write(258, onDomainFlags, nothing),
  domainReboot: write(27, onDomainFlags, nothing),
  domainReset: write(245, onDomainFlags, nothing),
  domainSuspend: write(34, onDomain, nothing),
  domainResume: write(28, onDomain, nothing),
  domainInjectNmi: write(210, onDomainFlags, nothing),
  /** `codeset` 0: Linux input key codes; `holdMs` for each. */
  domainSendKey: write(
    226,
    struct({ domain, codeset: uint, holdMs: uint, keycodes: array(uint, limits.keycodes), flags: uint }),
    nothing,
  ),
  /** In KiB. */
  domainSetMemoryFlags: write(204, struct({ domain, memoryKiB: uhyperNumber, flags: uint }), nothing),
  domainSetMemoryStatsPeriod: write(308, struct({ domain, periodS: int, flags: uint }), nothing),
  domainMemoryStats: read(
    159,
    struct({ domain, maxStats: uint, flags: uint }),
    struct({ stats: array(struct({ tag: int, value: uhyper }), limits.memoryStats) }),
  ),
  domainSetVcpusFlags: write(199, struct({ domain, count: uint, flags: uint }), nothing),
  domainGetVcpusFlags: read(200, onDomainFlags, struct({ count: int })),
  domainGetVcpus: read(
    20,
    struct({ domain, maxInfo: int, mapBytes: int }),
    struct({
      infos: array(struct({ number: uint, state: int, cpuTimeNs: uhyper, cpu: int }), limits.vcpuInfos),
      cpuMaps: opaque(limits.cpuMapsBytes),
    }),
  ),
  domainAttachDeviceFlags: write(160, deviceXml, nothing),
  domainDetachDeviceFlags: write(161, deviceXml, nothing),
  domainUpdateDeviceFlags: write(174, deviceXml, nothing),
  /** In KiB unless the BYTES flag (1) is set. */
  domainBlockResize: write(251, struct({ domain, disk: text, size: uhyperNumber, flags: uint }), nothing),
  domainGetBlockInfo: read(
    194,
    struct({ domain, path: text, flags: uint }),
    struct({ allocationBytes: uhyperNumber, capacityBytes: uhyperNumber, physicalBytes: uhyperNumber }),
  ),
  domainBlockStats: read(
    64,
    struct({ domain, path: text }),
    struct({ readRequests: hyper, readBytes: hyper, writeRequests: hyper, writeBytes: hyper, errors: hyper }),
  ),
  domainInterfaceStats: read(
    65,
    struct({ domain, device: text }),
    struct({
      rxBytes: hyper,
      rxPackets: hyper,
      rxErrors: hyper,
      rxDrops: hyper,
      txBytes: hyper,
      txPackets: hyper,
      txErrors: hyper,
      txDrops: hyper,
    }),
  ),
  domainGetDiskErrors: read(
    263,
    struct({ domain, maxErrors: uint, flags: uint }),
    struct({ errors: array(struct({ disk: text, error: int }), limits.diskErrors), count: int }),
  ),
  domainSetBlockIoTune: write(
    252,
    struct({ domain, disk: text, params: array(typedParam, limits.tuneParams), flags: uint }),
    nothing,
  ),
  domainGetBlockIoTune: read(
    253,
    struct({ domain, disk: optionalText, count: int, flags: uint }),
    struct({ params: typedParams(limits.tuneParams), count: int }),
  ),
  domainSetInterfaceParameters: write(
    256,
    struct({ domain, device: text, params: array(typedParam, limits.interfaceParams), flags: uint }),
    nothing,
  ),
  /** `source`: 0 DHCP leases of libvirt, 1 guest agent, 2 ARP table of the host. */
  domainInterfaceAddresses: read(
    353,
    struct({ domain, source: uint, flags: uint }),
    struct({
      interfaces: array(
        struct({
          name: text,
          hardwareAddress: optionalText,
          addresses: array(struct({ type: int, address: text, prefix: uint }), limits.ipAddresses),
        }),
        limits.interfaces,
      ),
    }),
  ),
  domainGetHostname: read(277, onDomainFlags, oneText),
  domainGetTime: read(337, onDomainFlags, struct({ seconds: hyper, nanoseconds: uint })),
  domainFsFreeze: write(335, mountPoints, struct({ count: int })),
  domainFsThaw: write(336, mountPoints, struct({ count: int })),
  domainFsTrim: write(
    294,
    struct({ domain, mountPoint: optionalText, minimumBytes: uhyperNumber, flags: uint }),
    nothing,
  ),
  domainSetMetadata: write(
    264,
    struct({ domain, type: int, metadata: optionalText, key: optionalText, uri: optionalText, flags: uint }),
    nothing,
  ),
  domainGetMetadata: read(265, struct({ domain, type: int, uri: optionalText, flags: uint }), oneText),
  /** `device`: alias of a serial or console device; absent means the first. */
  domainOpenConsole: stream(201, struct({ domain, device: optionalText, flags: uint })),
  domainOpenChannel: stream(296, struct({ domain, name: optionalText, flags: uint })),
  /** JSON in, JSON out. `timeoutS`: -2 waits for ever, -1 libvirt's default, 0 returns at once, else seconds. */
  domainAgentCommand: {
    ...write(3, struct({ domain, command: text, timeoutS: int, flags: uint }), struct({ answer: optionalText })),
    program: program.qemu,
  },
};

const jobCounters = {
  timeElapsedMs: uhyper,
  timeRemainingMs: uhyper,
  dataTotal: uhyper,
  dataProcessed: uhyper,
  dataRemaining: uhyper,
  memTotal: uhyper,
  memProcessed: uhyper,
  memRemaining: uhyper,
  fileTotal: uhyper,
  fileProcessed: uhyper,
  fileRemaining: uhyper,
};

const migrationProcedures = {
  /** With the PEER2PEER flag: libvirtd connects to the other libvirtd itself and the whole migration is this one call. */
  domainMigratePerform3Params: write(
    305,
    struct({
      domain,
      destinationUri: optionalText,
      params: typedParams(limits.migrateParams),
      cookie: opaque(limits.migrateCookieBytes),
      flags: uint,
    }),
    struct({ cookie: opaque(limits.migrateCookieBytes) }),
  ),
  domainMigrateSetMaxDowntime: write(166, struct({ domain, downtimeMs: uhyperNumber, flags: uint }), nothing),
  domainMigrateGetMaxDowntime: read(387, onDomainFlags, struct({ downtimeMs: uhyperNumber })),
  /** In MiB/s. */
  domainMigrateSetMaxSpeed: write(207, struct({ domain, bandwidthMiBs: uhyperNumber, flags: uint }), nothing),
  /** In MiB/s; a bigint because "no limit" is some very large number. */
  domainMigrateGetMaxSpeed: read(242, onDomainFlags, struct({ bandwidthMiBs: uhyper })),
  domainMigrateStartPostCopy: write(364, onDomainFlags, nothing),
  domainGetJobInfo: read(163, onDomain, struct({ type: int, ...jobCounters })),
  domainGetJobStats: read(298, onDomainFlags, struct({ type: int, params: typedParams(limits.jobStats) })),
  domainAbortJob: write(164, onDomain, nothing),
};

const secretProcedures = {
  secretDefineXml: write(142, struct({ xml: text, flags: uint }), oneSecret),
  secretSetValue: write(144, struct({ secret, value: opaque(limits.secretValueBytes), flags: uint }), nothing),
  secretGetValue: read(145, struct({ secret, flags: uint }), struct({ value: opaque(limits.secretValueBytes) })),
  secretUndefine: write(146, oneSecret, nothing),
  secretLookupByUuid: read(141, struct({ uuid }), oneSecret),
  secretLookupByUsage: read(147, struct({ usageType: int, usageId: text }), oneSecret),
  connectListAllSecrets: read(
    287,
    struct({ needResults: intBool, flags: uint }),
    struct({ secrets: array(secret, limits.secrets), count: uint }),
  ),
};

/** Every procedure, by libvirt's own name for it. */
export const procedures = {
  ...connectProcedures,
  ...domainProcedures,
  ...migrationProcedures,
  ...secretProcedures,
} as const;

export type ProcedureName = keyof typeof procedures;
export type ArgsOf<N extends ProcedureName> = ValueOf<(typeof procedures)[N]['args']>;
export type ResultOf<N extends ProcedureName> = ValueOf<(typeof procedures)[N]['result']>;
/** Procedures whose reply opens a stream. */
export type StreamProcedureName = {
  [N in ProcedureName]: (typeof procedures)[N]['stream'] extends true ? N : never;
}[ProcedureName];
