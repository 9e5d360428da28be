/**
 * A daemon that PVC needs and keeps running: libvirtd, and later ZooKeeper, Ceph's, FRR's …
 * @module
 */

export interface ServiceDefinition {
  /** Short name, part of file names: `libvirtd`. */
  readonly name: string;
  /** The unit that runs it where systemd is PID 1. */
  readonly unit: string;
  /** The command in the foreground, for machines without systemd. */
  readonly argv: readonly [string, ...string[]];
  /**
   * Added to its environment, whoever starts it: systemd is told by a drop-in of PVC's for the unit, for all instances of a
   * template. Takes effect at its next start. Words without
   * blanks or quotes, and no secrets: everybody may read the drop-in.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Done before each start that PVC makes: files that the service must find as they are now. What it throws is a failed start. */
  readonly prepare?: () => Promise<void>;
  /** True once it answers; polled after the start. Never throws: not answering is `false`. */
  readonly ready: () => Promise<boolean>;
  /** How long it may take to answer before it counts as failed. */
  readonly readyTimeoutMs: number;
}

export type ServiceState = 'starting' | 'running' | 'down';

export interface ServiceStatus {
  readonly name: string;
  readonly state: ServiceState;
  readonly pid: number | undefined;
  /** Starts that PVC had to do after the first. */
  readonly restarts: number;
  readonly message: string;
}
