/** What Ceph complains of, as faults of PVC. Pure. @module */
import type { FaultReport } from '../../../core/plugin/api.ts';
import type { CephStatus } from '../cluster/ceph-kind.ts';
import { adviceOf } from './advice.ts';

type Check = CephStatus['checks'][number];

/** More of Ceph's details than these are for `ceph health detail`. */
const shownDetails = 3;

const usual = { ok: 'info', warning: 'warning', error: 'critical' } as const;

/** `Disks of the storage are down: 1 osds down (osd.0 (root=default,host=hv2) is down)` */
function messageOf({ code, message, details }: Check): string {
  const more = details.length > shownDetails ? `; and ${details.length - shownDetails} more` : '';
  const shown = details.length === 0 ? '' : ` (${details.slice(0, shownDetails).join('; ')}${more})`;
  return `${adviceOf[code]?.what ?? `Ceph reports ${code}`}: ${message}${shown}`;
}

export function faultOfCheck(check: Check): FaultReport {
  const advice = adviceOf[check.code];
  return {
    severity: advice?.severity ?? usual[check.severity],
    message: messageOf(check),
    hint: advice?.hint ?? 'See `pvc storage status`, and `ceph health detail` on a node.',
    object: 'storage',
    ...(advice?.delta === undefined ? {} : { delta: advice.delta }),
  };
}

/** What comes before the code of the check, or the word `away`, in the ids of these faults. */
export const faultPrefix = 'storage:';

/** By id. */
export const faultsOf = (checks: readonly Check[]): Map<string, FaultReport> =>
  new Map(checks.map((check) => [`${faultPrefix}${check.code}`, faultOfCheck(check)]));

/** Ceph does not answer, and it has answered before. */
export const awayFault = (reason: string): [string, FaultReport] => [
  `${faultPrefix}away`,
  {
    severity: 'critical',
    message: reason,
    hint: 'Most monitors must run and reach each other: `pvc storage status`, `pvc node list`. Figures are those of the last answer; what needs no storage works on.',
    object: 'storage',
  },
];
