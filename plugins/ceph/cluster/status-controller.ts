/**
 * The primary's look at Ceph: what it says goes into the status of the one storage object, from where every node takes
 * the monitors, and the monitors of nodes that are coordinators no more are taken out of Ceph's map.
 * @module
 */
import {
  defineController,
  errorText,
  faultId,
  node as nodeKind,
  type Runtime,
  type Step,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { type CephStatus, ceph as cephKind } from './ceph-kind.ts';
import { type Reading, read } from './reading.ts';

/** A look takes two commands of a quarter of a second of a core each. */
const lookMs = 15_000;
/** While monitors or disks come and go, people watch. */
const busyLookMs = 3_000;
const awayFault = faultId('storage', 'away');

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
  const { documents, faults, host } = runtime;
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
      try {
        const reading = await read(ceph);
        faults.clear(awayFault);
        return { reading, reason: '', coordinators };
      } catch (error) {
        const reason = errorText(error);
        // Before the first monitor there is nothing to be missed.
        if ((doc.status?.updatedMs ?? 0) > 0)
          faults.raise(awayFault, {
            severity: 'critical',
            message: reason,
            hint: 'Most monitors must run and reach each other: `pvc storage status`, `pvc node list`. Figures are those of the last answer.',
            object: 'storage',
          });
        return { reading: undefined, reason, coordinators };
      }
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
    report(doc, { reading }, conditions) {
      const before = doc.status;
      if (reading !== undefined) {
        const next = { ...reading, updatedMs: Math.round(host.clock.wallMs()), conditions: [...conditions] };
        return next;
      }
      return before === undefined ? nothingKnown : { ...before, conditions: [...conditions] };
    },
  });
}

const nothingKnown: CephStatus = {
  monitors: [],
  quorum: [],
  health: 'error',
  checks: [],
  osds: { total: 0, up: 0, in: 0 },
  pgs: {},
  usage: { totalBytes: 0, usedBytes: 0, availableBytes: 0 },
  load: { readBytesPerS: 0, writeBytesPerS: 0, readsPerS: 0, writesPerS: 0 },
  updatedMs: 0,
  conditions: [],
};
