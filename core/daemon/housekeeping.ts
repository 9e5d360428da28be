/** Keeps history bounded: ended tasks and fences, audit records, cleared faults. Done by the primary. @module */

import { fault } from '../fault/fault-kind.ts';
import { fence, fenceEnded } from '../model/fence-kind.ts';
import { audit } from '../operation/audit.ts';
import { type AnyDoc, type Documents, type Write } from '../store/documents.ts';
import type { Op } from '../store/store.ts';
import { task, taskEnded } from '../task/task-kind.ts';

export const keep = { tasks: 500, auditRecords: 2_000, clearedFaults: 200, endedFences: 200 } as const;

/** What to remove so that the newest stay. Pure. */
export function surplus(
  tasks: readonly AnyDoc[],
  records: readonly AnyDoc[],
  faults: readonly AnyDoc[],
  fences: readonly AnyDoc[],
): Write[] {
  const newestFirst = (docs: readonly AnyDoc[]): AnyDoc[] => [...docs].sort((a, b) => (a.id < b.id ? 1 : -1));
  const cleared = faults
    .filter((doc) => doc.status?.clearedMs !== undefined)
    .sort((a, b) => b.status.clearedMs - a.status.clearedMs);
  return [
    ...newestFirst(tasks.filter((doc) => taskEnded(doc.status)))
      .slice(keep.tasks)
      .map((before): Write => ({ do: 'remove', kind: task, before })),
    ...newestFirst(records)
      .slice(keep.auditRecords)
      .map((before): Write => ({ do: 'remove', kind: audit, before })),
    ...newestFirst(fences.filter((doc) => fenceEnded(doc.status)))
      .slice(keep.endedFences)
      .map((before): Write => ({ do: 'remove', kind: fence, before })),
    ...cleared.slice(keep.clearedFaults).map((before): Write => ({ do: 'remove', kind: fault, before })),
  ];
}

/** Removes the surplus, one object a commit, as long as this node is primary (`guard` throws otherwise): a conflict spares that object until the next time. */
export async function tidy(documents: Documents, guard: () => Op[]): Promise<number> {
  const writes = surplus(
    await documents.list(task),
    await documents.list(audit),
    await documents.list(fault),
    await documents.list(fence),
  );
  let removed = 0;
  for (const write of writes) {
    const { ops, topics } = documents.commitOf([write]);
    if ((await documents.store.commit([...guard(), ...ops], topics)).outcome === 'ok') removed += 1;
  }
  return removed;
}
