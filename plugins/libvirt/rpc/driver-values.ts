/**
 * What the driver tells about guests and their host.
 * @module
 */
import type { DomainState } from './names.ts';

export interface DomainSummary {
  readonly uuid: string;
  readonly name: string;
  /** libvirt's number of the running domain; -1 when it does not run. */
  readonly id: number;
  readonly state: DomainState | `${number}`;
  readonly reason: string;
}

export interface DomainInfo {
  readonly state: DomainState | `${number}`;
  readonly reason: string;
  readonly maxMemoryKiB: number;
  readonly memoryKiB: number;
  readonly vcpus: number;
  readonly cpuTimeNs: number;
}

export interface NodeInfo {
  readonly model: string;
  readonly memoryKiB: number;
  readonly cpus: number;
  readonly mhz: number;
  readonly numaNodes: number;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
}

export interface JobStats {
  readonly type: string;
  /** libvirt's own names, such as `memory_total`, `memory_remaining`, `downtime`; numbers rounded above 2^53. */
  readonly values: Readonly<Record<string, number | string | boolean>>;
}

export interface GuestInterface {
  readonly name: string;
  readonly mac: string | undefined;
  readonly addresses: readonly { readonly address: string; readonly prefix: number; readonly family: 4 | 6 }[];
}

export type ShutdownMode = 'acpi' | 'agent';
/** `absent`: there was nothing to do, because no such guest runs here. */
export type Ended = 'done' | 'absent';
