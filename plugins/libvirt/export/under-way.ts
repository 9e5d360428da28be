/** Exports that are under way, and the snapshots that they read. @module */
import { type Doc, task, taskEnded, type View } from '../../../core/plugin/api.ts';
import type { SnapshotSpec } from '../snapshot/snapshot-kind.ts';
import { exportError } from './export-errors.ts';
import { exportInput } from './task-inputs.ts';

/** Refuses to take a snapshot away from an export that reads it. @throws PvcError VM_SNAPSHOT_EXPORTED */
export async function needUnexported(view: View, vm: string, { id, spec }: Doc<SnapshotSpec, null>): Promise<void> {
  for (const one of await view.list(task)) {
    if (one.spec.action !== 'vm.snapshot-export' || taskEnded(one.status)) continue;
    const { snapshot, since } = exportInput.parse(one.spec.input);
    if (snapshot === id || since === id)
      throw exportError('VM_SNAPSHOT_EXPORTED', { vm, snapshot: spec.name, task: one.id });
  }
}
