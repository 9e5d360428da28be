/** A guest, as it was in a snapshot, into files of a node. @module */
import {
  type Doc,
  defineMutation,
  formatInstant,
  names,
  node as nodeKind,
  type PlanContext,
  z,
} from '../../../core/plugin/api.ts';
import { needVm, vmArgument, vmRef } from '../operations/common.ts';
import { type SnapshotSpec, snapshotError, snapshotName, vmSnapshot } from '../snapshot/snapshot-kind.ts';
import { needSnapshot } from '../snapshot/snapshot-operations.ts';
import { exportError } from './export-errors.ts';
import type { exportInput } from './task-inputs.ts';

/** Copying takes as long as the disks take. */
const copyTimeoutMs = 24 * 3_600_000;

type SnapshotDoc = Doc<SnapshotSpec, null>;

/** The node with the files: the one that was named, or the primary. */
export const nodeOfFiles = async ({ view, localNode }: PlanContext, wanted: string | undefined): Promise<string> => {
  const name = wanted ?? (await view.primary()) ?? localNode;
  return (await view.need(nodeKind, name ?? '')).id;
};

const disksOf = ({ spec }: SnapshotDoc): string =>
  spec.volumes
    .map(({ target, volume }) => `${target} (${volume})`)
    .toSorted()
    .join(', ');

function needWhole(vm: string, { spec }: SnapshotDoc): void {
  if (spec.making || spec.removing) throw snapshotError('VM_SNAPSHOT_UNFINISHED', { vm, snapshot: spec.name });
}

/** @throws PvcError VM_SNAPSHOT_UNFINISHED, VM_EXPORT_SINCE */
function needEarlier(vm: string, doc: SnapshotDoc, since: SnapshotDoc): void {
  needWhole(vm, since);
  const wrong = (reason: string) =>
    exportError('VM_EXPORT_SINCE', { vm, snapshot: doc.spec.name, since: since.spec.name, reason });
  if (since.id === doc.id) throw wrong('it is the same snapshot');
  if (since.spec.createdMs >= doc.spec.createdMs)
    throw wrong(`that one is newer (${formatInstant(since.spec.createdMs)})`);
  if (disksOf(since) !== disksOf(doc))
    throw wrong(`that one has the disks ${disksOf(since)}, this one ${disksOf(doc)}`);
}

export const exportOperations = [
  defineMutation({
    name: 'vm.snapshot-export',
    summary: 'Copy a guest, as it was in a snapshot, into files of a node',
    description:
      'Makes the directory DIRECTORY/GUEST@SNAPSHOT with the definition of the guest, the state that it had, and what its disks held. With --since only what is new since an older snapshot is copied; `pvc vm import` then needs the export of that one too. The guest may run meanwhile.',
    http: { method: 'POST', path: '/vms/{vm}/snapshots/{snapshot}/export' },
    cli: {
      command: 'vm snapshot export',
      arguments: [vmArgument, { field: 'snapshot' }, { field: 'directory', complete: 'file' }],
      options: { node: { complete: 'node' } },
      waits: true,
      examples: [
        'pvc vm snapshot export web1 sunday /backup',
        'pvc vm snapshot export web1 monday /backup --since sunday',
      ],
    },
    role: 'admin',
    input: z.strictObject({
      vm: vmRef,
      snapshot: snapshotName,
      directory: names.absolutePath.describe('directory of the node, which must be there'),
      since: snapshotName.optional().describe('only what is new since this older snapshot (everything)'),
      node: names.nodeName.optional().describe('node that writes the files (the primary)'),
    }),
    output: z.object({ vm: z.string(), snapshot: z.string(), node: z.string(), path: z.string() }),
    async plan(plan, context, { vm: ref, snapshot, directory, since: sinceName, node: wanted }) {
      const { view } = context;
      const guest = await needVm(view, ref);
      const { name } = guest.spec;
      const node = await nodeOfFiles(context, wanted);
      const doc = await needSnapshot(view, guest, snapshot);
      needWhole(name, doc);
      const since = sinceName === undefined ? undefined : await needSnapshot(view, guest, sinceName);
      if (since !== undefined) needEarlier(name, doc, since);
      // Written as they are: whoever removes one in the same moment plans again, and sees this task.
      for (const one of [doc, ...(since === undefined ? [] : [since])]) plan.update(vmSnapshot, one, one.spec);
      const input: z.input<typeof exportInput> = {
        snapshot: doc.id,
        since: since?.id ?? null,
        directory,
        name: `${name}@${snapshot}`,
      };
      const path = `${directory}/${input.name}`;
      plan.task({
        action: 'vm.snapshot-export',
        // Not the guest: it is nobody's business here.
        target: { kind: vmSnapshot.name, id: doc.id, label: input.name },
        node,
        input,
        timeoutMs: copyTimeoutMs,
      });
      const what = since === undefined ? 'what' : `what is new since ${since.spec.name} of what`;
      for (const { target, volume } of doc.spec.volumes)
        plan.act(`copy ${what} ${target} (${volume}) held in ${snapshot} to ${path} on ${node}`);
      return { vm: name, snapshot, node, path };
    },
  }),
];
