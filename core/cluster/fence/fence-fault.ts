/** The fault that tells of a dead node. It is the cluster's, not that of its primary. @module */
import { faultWrites } from '../../fault/cluster-faults.ts';
import { type FaultReport, faultId } from '../../fault/fault-book.ts';
import { fault } from '../../fault/fault-kind.ts';
import type { FenceStatus } from '../../model/fence-kind.ts';
import type { Runtime } from '../../plugin/runtime.ts';
import type { Write } from '../../store/documents.ts';

const waitingText = ({ object, reason }: FenceStatus['waiting'][number]): string => `${object} (${reason})`;

/** @param troubles why there is no proof yet */
export function deadReport(
  name: string,
  { recovered, waiting, power }: FenceStatus,
  troubles: readonly string[],
): Omit<FaultReport, 'object'> {
  return {
    severity: waiting.length > 0 ? 'critical' : 'warning',
    message: [
      `The node ${name} is dead.`,
      ...(recovered.length === 0 ? [] : [`${recovered.length} of its guests went on elsewhere.`]),
      ...(waiting.length === 0 ? [] : [`${waiting.length} wait: ${waiting.map(waitingText).join('; ')}.`, ...troubles]),
      ...(power?.staysOff === undefined ? [] : [`It stays off: ${power.staysOff}.`]),
    ].join(' '),
    hint:
      waiting.length === 0
        ? `See \`pvc node fences\`. This fault goes when ${name} is back, or removed.`
        : `If you have made sure that the machine is off, say so: \`pvc node fence ${name} --is-off\`. What has no room starts by itself when there is some.`,
  };
}

export const backReport = (name: string, reasons: readonly string[]): Omit<FaultReport, 'object'> => ({
  severity: 'warning',
  message: `The node ${name} is back, and not let in again yet: ${reasons.join('; ')}`,
  hint: 'It is tried again by itself, every second.',
});

/** What makes that the fault of a node; without a report there is none. */
export async function nodeFault(
  { documents, host }: Pick<Runtime, 'documents' | 'host'>,
  name: string,
  report?: Omit<FaultReport, 'object'>,
): Promise<Write[]> {
  const id = faultId('node.dead', name);
  const known = await documents.get(fault, id);
  const wanted = report === undefined ? [] : [[id, { ...report, object: `node ${name}` }] as const];
  return faultWrites(id, known === undefined ? [] : [known], new Map(wanted), Math.round(host.clock.wallMs()));
}
