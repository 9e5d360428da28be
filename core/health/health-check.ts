/** A health check that a plugin contributes; its finding becomes a fault that clears itself. @module */
import type { Severity } from '../fault/fault-kind.ts';

export interface HealthFinding {
  readonly severity: Severity;
  readonly message: string;
  readonly hint: string;
  /** Per cent of the node's health; by severity when absent. */
  readonly delta?: number;
}

export interface HealthCheck {
  /** Unique on the node: `libvirt`, `disk-space`. */
  readonly name: string;
  readonly summary: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** What is wrong, or nothing. A rejection counts as critical. The signal aborts when it is late, and with the daemon. */
  readonly run: (signal: AbortSignal) => Promise<HealthFinding | undefined>;
}
