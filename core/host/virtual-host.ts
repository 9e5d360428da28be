/** A whole host in memory: virtual clock, files, scripted commands, seeded chance, captured log. @module */
import type { Duplex } from 'node:stream';
import type { Clock } from './clock.ts';
import { hostError } from './errors.ts';
import type { Host, MachineFacts, MachineLoad, Net } from './host.ts';
import { createLogger, type LogLevel } from './log.ts';
import { type SeededRandom, seededRandom } from './seeded-random.ts';
import { VirtualClock } from './virtual-clock.ts';
import { VirtualFiles } from './virtual-files.ts';
import { VirtualProcesses } from './virtual-processes.ts';
import { VirtualWatchdogs } from './virtual-watchdogs.ts';

export interface VirtualHostOptions<C extends Clock = VirtualClock> {
  /** One clock may be shared by several hosts. Default: a new `VirtualClock`. */
  readonly clock?: C;
  /** Default 1. */
  readonly seed?: number | string;
  readonly facts?: Partial<MachineFacts>;
  /** Default `debug`: everything is captured. */
  readonly logLevel?: LogLevel;
}

/** Connections go to functions that the test registers by address: a path, or `host:port`. */
export class VirtualNet implements Net {
  readonly #listeners = new Map<string, () => Duplex>();

  /** `accept` returns the near end of each new connection. */
  listen(address: string, accept: () => Duplex): void {
    this.#listeners.set(address, accept);
  }

  async connect(target: { readonly path: string } | { readonly host: string; readonly port: number }): Promise<Duplex> {
    const address = 'path' in target ? target.path : `${target.host}:${target.port}`;
    const accept = this.#listeners.get(address);
    if (accept === undefined) throw hostError('CONNECT_FAILED', { target: address, reason: 'connection refused' });
    return accept();
  }
}

export interface VirtualHost<C extends Clock = VirtualClock> extends Host {
  readonly clock: C;
  readonly random: SeededRandom;
  readonly processes: VirtualProcesses;
  readonly files: VirtualFiles;
  readonly net: VirtualNet;
  readonly watchdogs: VirtualWatchdogs;
  /** Lines of JSON, in order. */
  readonly logLines: string[];
  /** May be changed while a test runs. */
  facts: MachineFacts;
  load: MachineLoad;
}

const defaultFacts: MachineFacts = {
  hostname: 'hv1',
  cpus: 4,
  cpuModel: 'Virtual CPU',
  memoryMiB: 16_384,
  kernel: '6.1.0',
  os: 'Debian GNU/Linux 12 (bookworm)',
  arch: 'x64',
  bootId: '00000000-0000-4000-8000-000000000001',
};

/** Makes a host that touches nothing outside this process. */
export function createVirtualHost(options?: VirtualHostOptions): VirtualHost;
export function createVirtualHost<C extends Clock>(
  options: VirtualHostOptions<C> & { readonly clock: C },
): VirtualHost<C>;
export function createVirtualHost(options: VirtualHostOptions<Clock> = {}): VirtualHost<Clock> {
  const clock = options.clock ?? new VirtualClock();
  const logLines: string[] = [];
  const host: VirtualHost<Clock> = {
    clock,
    random: seededRandom(options.seed ?? 1),
    processes: new VirtualProcesses(clock),
    files: new VirtualFiles(clock),
    net: new VirtualNet(),
    watchdogs: new VirtualWatchdogs(clock),
    logLines,
    facts: { ...defaultFacts, ...options.facts },
    load: { memoryAvailableMiB: 12_288, load1: 0.1, uptimeS: 3600 },
    machine: { facts: async () => host.facts, load: async () => host.load },
    log: createLogger(clock, { level: options.logLevel ?? 'debug', destination: (line) => logLines.push(line) }),
  };
  return host;
}
