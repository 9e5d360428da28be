/**
 * The primary's look at Ceph: what it says goes into the status of the one storage object, from where every node takes
 * the monitors, and the monitors of nodes that are coordinators no more are taken out of Ceph's map.
 * @module
 */
import {
  defineController,
  errorText,
  node as nodeKind,
  type Runtime,
  type Step,
  tellFaults,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { awayFault, faultPrefix, faultsOf } from '../health/health-faults.ts';
import { type CephStatus, ceph as cephKind, nothingKnown } from './ceph-kind.ts';
import { type Reading, read } from './reading.ts';

/** A look takes two commands of a quarter of a second of a core each. */
const lookMs = 15_000;
/** While monitors or disks come and go, people watch. */
const busyLookMs = 3_000;

interface View {
  /** Undefined: Ceph did not answer, for the reason. */
  readonly reading: Reading | undefined;
  readonly reason: string;
  readonly coordinators: readonly string[];
}

interface RemoveMonitor extends Step {
  readonly monitor: string;
}

export function cephStatusController(runtime: Runtime, ceph: CephCommand) {
  const { documents, host } = runtime;
  return defineController({
    name: 'storage',
    summary: 'looks after Ceph as a whole: its health, its monitors',
    kind: cephKind,
    scope: 'primary',
    async observe(_id, doc): Promise<View> {
      const coordinators = (await documents.list(nodeKind))
        .filter(({ spec }) => spec.role === 'coordinator')
        .map(({ id }) => id);
      if (doc === undefined) return { reading: undefined, reason: '', coordinators };
      let reading: Reading;
      try {
        reading = await read(ceph);
      } catch (error) {
        const reason = errorText(error);
        // Before the first monitor there is nothing to be missed. What was wrong at the last look may still be so.
        if ((doc.status?.updatedMs ?? 0) > 0)
          await tellFaults(runtime, faultPrefix, new Map([awayFault(doc.status?.silent?.reason ?? reason)]), true);
        return { reading: undefined, reason, coordinators };
      }
      await tellFaults(runtime, faultPrefix, faultsOf(reading.checks));
      return { reading, reason: '', coordinators };
    },
    plan(doc, { reading, coordinators }) {
      if (doc === undefined) return { steps: [] };
      if (reading === undefined) return { steps: [], againInMs: busyLookMs };
      const strangers = reading.monitors.filter(({ name }) => !coordinators.includes(name));
      // What stays must still be able to agree without them.
      const staying = reading.monitors.length - strangers.length;
      const agreeing = reading.quorum.filter((name) => coordinators.includes(name)).length;
      const steps: RemoveMonitor[] =
        staying > 0 && agreeing > staying / 2
          ? strangers.map(({ name }) => ({
              do: 'remove-monitor',
              text: `take the monitor of ${name} out of Ceph's map`,
              timeoutMs: 30_000,
              monitor: name,
            }))
          : [];
      const { osds } = reading;
      const allUp = osds.up === osds.total && reading.quorum.length === reading.monitors.length;
      const settled = allUp && reading.monitors.length === coordinators.length && reading.health === 'ok';
      return { steps, againInMs: settled ? lookMs : busyLookMs };
    },
    async apply(step, _id, signal) {
      await ceph.ceph(`the removal of the monitor of ${step.monitor}`, ['mon', 'remove', step.monitor], { signal });
    },
    report(doc, { reading, reason }, conditions): CephStatus {
      const nowMs = Math.round(host.clock.wallMs());
      if (reading !== undefined) return { ...reading, updatedMs: nowMs, conditions: [...conditions] };
      const before = doc.status ?? nothingKnown;
      // The reason tells how long ago: kept as it was first, so that nothing is written at every look.
      const silent = before.silent ?? { sinceMs: nowMs, reason };
      return { ...before, silent, conditions: [...conditions] };
    },
  });
}
