/**
 * Statistics of a domain: libvirt's flat list of names and values (`block.0.rd.bytes` …) as a structure.
 * Facts: the description of virConnectGetAllDomainStats in libvirt's reference.
 * @module
 */
import { type DomainState, domainStates, nameOf, stateReasons, vcpuStates } from './names.ts';
import type { TypedParam, WireDomain } from './wire.ts';

export interface CpuStats {
  /** All time used by the guest and by QEMU for it, in ns. */
  readonly timeNs: number;
  readonly userNs: number | undefined;
  readonly systemNs: number | undefined;
}

/** In KiB. What the guest itself reports is absent when it has no balloon driver. */
export interface BalloonStats {
  readonly currentKiB: number;
  readonly maximumKiB: number;
  readonly rssKiB: number | undefined;
  readonly availableKiB: number | undefined;
  readonly unusedKiB: number | undefined;
  readonly usableKiB: number | undefined;
  readonly swapInKiB: number | undefined;
  readonly swapOutKiB: number | undefined;
  readonly majorFaults: number | undefined;
  readonly minorFaults: number | undefined;
  /** Unix time of the guest's last report, in seconds. */
  readonly lastUpdateS: number | undefined;
}

export interface VcpuStats {
  readonly number: number;
  readonly state: string;
  readonly timeNs: number | undefined;
  /** Time it wanted to run and could not, in ns. */
  readonly waitNs: number | undefined;
}

export interface InterfaceStats {
  /** Device name on the host, such as vnet0. */
  readonly name: string;
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDrops: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDrops: number;
}

export interface BlockStats {
  /** Target in the guest, such as vda. */
  readonly name: string;
  readonly path: string | undefined;
  readonly readRequests: number;
  readonly readBytes: number;
  readonly readNs: number;
  readonly writeRequests: number;
  readonly writeBytes: number;
  readonly writeNs: number;
  readonly flushRequests: number;
  readonly flushNs: number;
  readonly allocationBytes: number | undefined;
  readonly capacityBytes: number | undefined;
  readonly physicalBytes: number | undefined;
}

/** Counters are numbers: exact up to 2^53, rounded in the last digit above (104 days of CPU time in ns). */
export interface DomainStats {
  readonly uuid: string;
  readonly name: string;
  readonly id: number;
  readonly state: DomainState | `${number}`;
  readonly reason: string;
  readonly cpu: CpuStats | undefined;
  readonly balloon: BalloonStats | undefined;
  readonly vcpus:
    | { readonly current: number; readonly maximum: number; readonly each: readonly VcpuStats[] }
    | undefined;
  readonly interfaces: readonly InterfaceStats[];
  readonly blocks: readonly BlockStats[];
}

/** Names of a state and of its reason, which is numbered for each state anew. */
export function stateNames(state: number, reason: number): { state: DomainState | `${number}`; reason: string } {
  const name = nameOf(domainStates, state);
  return { state: name, reason: nameOf(stateReasons[name as DomainState] ?? [], reason) };
}

interface Values {
  number(field: string): number | undefined;
  text(field: string): string | undefined;
}

const valuesOf = (params: readonly TypedParam[]): Values => {
  const byField = new Map(params.map(({ field, value }) => [field, value.value] as const));
  return {
    number: (field) => {
      const value = byField.get(field);
      return value === undefined || typeof value === 'string' ? undefined : Number(value);
    },
    text: (field) => {
      const value = byField.get(field);
      return typeof value === 'string' ? value : undefined;
    },
  };
};

const indices = (count: number | undefined): number[] => Array.from({ length: count ?? 0 }, (_, index) => index);

const cpuStats = (v: Values): CpuStats | undefined => {
  const timeNs = v.number('cpu.time');
  return timeNs === undefined ? undefined : { timeNs, userNs: v.number('cpu.user'), systemNs: v.number('cpu.system') };
};

const balloonStats = (v: Values): BalloonStats | undefined => {
  const currentKiB = v.number('balloon.current');
  const maximumKiB = v.number('balloon.maximum');
  if (currentKiB === undefined || maximumKiB === undefined) return undefined;
  return {
    currentKiB,
    maximumKiB,
    rssKiB: v.number('balloon.rss'),
    availableKiB: v.number('balloon.available'),
    unusedKiB: v.number('balloon.unused'),
    usableKiB: v.number('balloon.usable'),
    swapInKiB: v.number('balloon.swap_in'),
    swapOutKiB: v.number('balloon.swap_out'),
    majorFaults: v.number('balloon.major_fault'),
    minorFaults: v.number('balloon.minor_fault'),
    lastUpdateS: v.number('balloon.last-update'),
  };
};

const vcpuStats = (v: Values): DomainStats['vcpus'] => {
  const current = v.number('vcpu.current');
  const maximum = v.number('vcpu.maximum');
  if (current === undefined || maximum === undefined) return undefined;
  // Numbers may have gaps after hot-unplug, so every possible one is tried.
  const each = indices(maximum).flatMap((number): VcpuStats[] => {
    const state = v.number(`vcpu.${number}.state`);
    if (state === undefined) return [];
    return [
      {
        number,
        state: nameOf(vcpuStates, state),
        timeNs: v.number(`vcpu.${number}.time`),
        waitNs: v.number(`vcpu.${number}.wait`),
      },
    ];
  });
  return { current, maximum, each };
};

const interfaceStats = (v: Values, index: number): InterfaceStats => {
  const count = (name: string): number => v.number(`net.${index}.${name}`) ?? 0;
  return {
    name: v.text(`net.${index}.name`) ?? '',
    rxBytes: count('rx.bytes'),
    rxPackets: count('rx.pkts'),
    rxErrors: count('rx.errs'),
    rxDrops: count('rx.drop'),
    txBytes: count('tx.bytes'),
    txPackets: count('tx.pkts'),
    txErrors: count('tx.errs'),
    txDrops: count('tx.drop'),
  };
};

const blockStats = (v: Values, index: number): BlockStats => {
  const at = (name: string): number | undefined => v.number(`block.${index}.${name}`);
  const count = (name: string): number => at(name) ?? 0;
  return {
    name: v.text(`block.${index}.name`) ?? '',
    path: v.text(`block.${index}.path`),
    readRequests: count('rd.reqs'),
    readBytes: count('rd.bytes'),
    readNs: count('rd.times'),
    writeRequests: count('wr.reqs'),
    writeBytes: count('wr.bytes'),
    writeNs: count('wr.times'),
    flushRequests: count('fl.reqs'),
    flushNs: count('fl.times'),
    allocationBytes: at('allocation'),
    capacityBytes: at('capacity'),
    physicalBytes: at('physical'),
  };
};

/** One record of the answer, as a structure. Groups that were not asked for, or not to be had at once, are absent or empty. */
export function readDomainStats(record: {
  readonly domain: WireDomain;
  readonly params: readonly TypedParam[];
}): DomainStats {
  const v = valuesOf(record.params);
  return {
    uuid: record.domain.uuid,
    name: record.domain.name,
    id: record.domain.id,
    ...stateNames(v.number('state.state') ?? 0, v.number('state.reason') ?? 0),
    cpu: cpuStats(v),
    balloon: balloonStats(v),
    vcpus: vcpuStats(v),
    interfaces: indices(v.number('net.count')).map((index) => interfaceStats(v, index)),
    blocks: indices(v.number('block.count')).map((index) => blockStats(v, index)),
  };
}
