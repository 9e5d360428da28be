/** A metric that a plugin contributes; its values are read when `/metrics` is asked. @module */

export interface MetricSample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface MetricDefinition {
  /** `pvc_vm_running`: snake case with the unit at the end (`_bytes`, `_seconds`, `_total`). */
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter';
  readonly labels: readonly string[];
  readonly collect: () => Promise<readonly MetricSample[]> | readonly MetricSample[];
}
