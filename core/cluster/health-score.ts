/** Health in per cent from open faults. Pure. @module */

import type { FaultSpec, FaultStatus } from '../fault/fault-kind.ts';
import type { Doc } from '../model/kind.ts';

export type FaultDoc = Doc<FaultSpec, FaultStatus>;

export const isOpen = (doc: FaultDoc): doc is FaultDoc & { readonly status: FaultStatus } =>
  doc.status !== undefined && doc.status.clearedMs === undefined;

/** 100 less what each open, unacknowledged fault costs; never below 0. */
export function healthOf(faults: readonly FaultDoc[]): number {
  const lost = faults
    .filter((doc) => isOpen(doc) && doc.spec.acknowledgedMs === undefined)
    .reduce((sum, doc) => sum + (doc.status?.delta ?? 0), 0);
  return Math.max(0, 100 - lost);
}
