/** What all changes of a guest's document share: what they are told, the checks, the restart. @module */
import { modelError, type PlanBuilder, z } from '../../../core/plugin/api.ts';
import { specProblems } from '../domain/numa.ts';
import type { VmDoc } from '../guest-control.ts';
import type { VmSpec } from '../schema.ts';
import { isRunning, vm, vmError } from '../vm-kind.ts';
import { vmTask } from './common.ts';

export const restartTask = (plan: PlanBuilder, doc: VmDoc, restart: boolean): void => {
  if (!restart || !isRunning(doc)) return;
  vmTask(plan, doc, 'vm.restart', doc.spec.shutdown.timeoutS * 1000 + 180_000, { force: false });
  plan.act(`restart ${doc.spec.name} so that it takes effect`);
};

/** Behind what is planned with a device: it is done at once. */
export const whileRunning = (doc: VmDoc): string => (isRunning(doc) ? ', while it runs' : '');

export const expect = z.int().min(0).optional().describe('refuse unless the guest’s document is at this version');
export const restart = z.boolean().default(false).describe('restart a running guest so that the change takes effect');

/** @throws PvcError VM_VERSION */
export function needVersion(doc: VmDoc, expected: number | undefined): void {
  if (expected !== undefined && expected !== doc.specVersion)
    throw vmError('VM_VERSION', { vm: doc.spec.name, now: doc.specVersion, expected });
}

/** Checks what no schema can: that parts of the spec agree; shows the difference; writes it. */
export function change(plan: PlanBuilder, doc: VmDoc, spec: VmSpec): void {
  const problems = specProblems(spec);
  if (problems.length > 0)
    throw modelError(
      'DOCUMENT_INVALID',
      { kind: 'vm', id: doc.spec.name, reason: problems.join('; ') },
      { details: problems },
    );
  plan.update(vm, doc, spec);
}
