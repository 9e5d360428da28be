/** Snapshots of whole guests. @module */
import {
  type Doc,
  defineMutation,
  defineQuery,
  formatDuration,
  formatInstant,
  type PlanBuilder,
  type RenderContext,
  table,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { needUnexported } from '../export/under-way.ts';
import type { VmDoc } from '../guest-control.ts';
import { needStopped, needVm, vmArgument, vmRef } from '../operations/common.ts';
import type { VmSpec } from '../schema.ts';
import { isRunning, vm } from '../vm-kind.ts';
import { quiets, type SnapshotSpec, snapshotError, snapshotName, vmSnapshot } from './snapshot-kind.ts';
import type { snapshotInput } from './snapshot-tasks.ts';

const makeTimeoutMs = 300_000;
const longTimeoutMs = 24 * 3_600_000;

type SnapshotDoc = Doc<SnapshotSpec, null>;

const snapshotRow = z.object({
  vm: z.string(),
  name: z.string(),
  createdMs: z.number(),
  state: z.enum(['ready', 'making', 'removing']),
  quiet: z.enum(quiets).nullable().describe('frozen by the guest’s agent, paused for a moment, or off'),
  quietMs: z.int().nullable().describe('how long the guest stood still'),
  disks: z.array(z.object({ target: z.string(), volume: z.string(), snapshot: z.string() })),
});
type SnapshotRow = z.output<typeof snapshotRow>;

const renderSnapshots = (rows: readonly SnapshotRow[], context: RenderContext): string =>
  table(
    [{ title: 'GUEST', keep: true }, 'SNAPSHOT', 'MADE', { title: 'STATE', state: true }, 'CAUGHT', 'DISKS'],
    rows.map((row) => [
      row.vm,
      row.name,
      formatInstant(row.createdMs),
      row.state,
      row.quiet === null ? null : row.quiet === 'off' ? 'off' : `${row.quiet} ${formatDuration(row.quietMs ?? 0)}`,
      row.disks.map(({ target }) => target).join(', '),
    ]),
    context,
  );

/** Those of a guest, oldest first. */
export async function snapshotsOf(view: View, uuid: string): Promise<SnapshotDoc[]> {
  const own = (await view.list(vmSnapshot)).filter(({ spec }) => spec.vm === uuid);
  return own.toSorted((a, b) => a.spec.createdMs - b.spec.createdMs);
}

/** @throws PvcError VM_SNAPSHOT_NOT_FOUND */
export async function needSnapshot(view: View, guest: VmDoc, name: string): Promise<SnapshotDoc> {
  const found = await view.find(vmSnapshot, 'name', `${guest.id}/${name}`);
  if (found === undefined) throw snapshotError('VM_SNAPSHOT_NOT_FOUND', { vm: guest.spec.name, snapshot: name });
  return found;
}

/** What it writes to. @throws PvcError VM_SNAPSHOT_UNFIT */
function volumesOf({ name, disks }: VmSpec): { target: string; volume: string }[] {
  const written = disks.filter((disk) => !disk.readonly && disk.source.type !== 'empty');
  const other = written.filter(({ source }) => source.type !== 'volume');
  if (other.length > 0)
    throw snapshotError('VM_SNAPSHOT_UNFIT', {
      vm: name,
      reason: `its disks ${other.map(({ target }) => target).join(', ')} lie in no volume of the cluster`,
    });
  if (written.length === 0)
    throw snapshotError('VM_SNAPSHOT_UNFIT', { vm: name, reason: 'it has no disk that it writes to' });
  return written.flatMap(({ target, source }) =>
    source.type === 'volume' ? [{ target, volume: `${source.pool}/${source.volume}` }] : [],
  );
}

function snapshotTask(
  plan: PlanBuilder,
  verb: 'add' | 'rollback' | 'remove',
  guest: Pick<VmDoc, 'id' | 'spec'>,
  id: string,
  node?: string,
): void {
  const input: z.input<typeof snapshotInput> = { snapshot: id };
  plan.task({
    action: `vm.snapshot-${verb}`,
    target: { kind: 'vm', id: guest.id, label: guest.spec.name },
    node,
    input,
    timeoutMs: verb === 'add' ? makeTimeoutMs : longTimeoutMs,
  });
}

const input = z.strictObject({ vm: vmRef, snapshot: snapshotName });
const output = z.object({ vm: z.string(), snapshot: z.string() });
const snapshotArguments = [vmArgument, { field: 'snapshot' }] as const;
const path = '/vms/{vm}/snapshots/{snapshot}';

export const snapshotOperations = [
  defineMutation({
    name: 'vm.snapshot-add',
    summary: 'Make a snapshot of a guest: all its disks in one moment, and its definition',
    description:
      'A running guest is held for that moment, well below a second as a rule: by its agent (qemu-guest-agent), which puts its file systems in order, or else by a pause. What lies in its memory is not kept.',
    http: { method: 'POST', path: '/vms/{vm}/snapshots' },
    cli: {
      command: 'vm snapshot add',
      arguments: snapshotArguments,
      waits: true,
      examples: ['pvc vm snapshot add web1 before-upgrade'],
    },
    role: 'operator',
    input,
    output,
    async plan(plan, context, { vm: ref, snapshot }) {
      const { view, nowMs } = context;
      const guest = await needVm(view, ref);
      const volumes = volumesOf(guest.spec);
      if ((await view.find(vmSnapshot, 'name', `${guest.id}/${snapshot}`)) !== undefined)
        throw snapshotError('VM_SNAPSHOT_EXISTS', { vm: guest.spec.name, snapshot });
      const id = context.uuid();
      // Of its own: a volume may have been another guest's, which had a snapshot of that name.
      const inStorage = `guest-${snapshot}-${id.slice(0, 8)}`;
      plan.unchanged(vm, guest);
      plan.create(vmSnapshot, id, {
        vm: guest.id,
        name: snapshot,
        createdMs: Math.round(nowMs),
        guest: guest.spec,
        volumes: volumes.map((one) => ({ ...one, snapshot: inStorage })),
        making: true,
        removing: false,
      });
      // One that runs must be held by its own node.
      snapshotTask(plan, 'add', guest, id, isRunning(guest) ? guest.spec.node : undefined);
      const disks = volumes.map(({ target, volume }) => `${target} (${volume})`).join(', ');
      plan.act(`${isRunning(guest) ? `hold ${guest.spec.name} for a moment and ` : ''}make snapshots of ${disks}`);
      return { vm: guest.spec.name, snapshot };
    },
  }),
  defineMutation({
    name: 'vm.snapshot-rollback',
    summary: 'Make a stopped guest what it was in a snapshot; everything written since is lost',
    description:
      'Its name, its node and whether it is to run stay; its disks and the rest of its definition come back.',
    http: { method: 'POST', path: `${path}/rollback` },
    cli: {
      command: 'vm snapshot rollback',
      arguments: snapshotArguments,
      confirm: 'Make {vm} what it was in {snapshot}, and lose everything written since?',
      waits: true,
    },
    role: 'operator',
    input: input.extend({
      disksOnly: z.boolean().default(false).describe('leave its definition as it is, where it has the same disks'),
    }),
    output,
    async plan(plan, { view }, { vm: ref, snapshot, disksOnly }) {
      const guest = await needVm(view, ref);
      const doc = await needSnapshot(view, guest, snapshot);
      if (doc.spec.making || doc.spec.removing)
        throw snapshotError('VM_SNAPSHOT_UNFINISHED', { vm: guest.spec.name, snapshot });
      needStopped(guest, 'going back');
      plan.unchanged(vmSnapshot, doc);
      const { name, run, node, home } = guest.spec;
      const { transfer: _transfer, home: _home, crashes: _crashes, ...was } = doc.spec.guest;
      if (disksOnly) plan.unchanged(vm, guest);
      else plan.update(vm, guest, { ...was, name, run, node, ...(home === undefined ? {} : { home }) });
      snapshotTask(plan, 'rollback', guest, doc.id);
      for (const { target, volume } of doc.spec.volumes) plan.act(`make ${target} (${volume}) what it was`);
      plan.warn(`What ${name} has written since ${formatInstant(doc.spec.createdMs)} is lost.`);
      return { vm: name, snapshot };
    },
  }),
  defineMutation({
    name: 'vm.snapshot-remove',
    summary: 'Remove a snapshot of a guest',
    http: { method: 'DELETE', path },
    cli: {
      command: 'vm snapshot remove',
      aliases: ['rm'],
      arguments: snapshotArguments,
      confirm: 'Remove the snapshot {snapshot} of {vm}?',
      waits: true,
    },
    role: 'operator',
    input,
    output,
    async plan(plan, { view }, { vm: ref, snapshot }) {
      const guest = await needVm(view, ref);
      const doc = await needSnapshot(view, guest, snapshot);
      await needUnexported(view, guest.spec.name, doc);
      plan.update(vmSnapshot, doc, { ...doc.spec, removing: true });
      snapshotTask(plan, 'remove', guest, doc.id);
      plan.act(`remove the snapshots of ${doc.spec.volumes.map(({ volume }) => volume).join(', ')}`);
      return { vm: guest.spec.name, snapshot };
    },
  }),
  defineQuery({
    name: 'vm.snapshot-list',
    summary: 'List snapshots of guests',
    http: { method: 'GET', path: '/vm-snapshots' },
    cli: { command: 'vm snapshot list', arguments: [vmArgument], render: renderSnapshots },
    role: 'viewer',
    input: z.strictObject({ vm: vmRef.optional().describe('only those of this guest') }),
    output: z.array(snapshotRow),
    async run({ view }, { vm: ref }): Promise<SnapshotRow[]> {
      const guest = ref === undefined ? undefined : await needVm(view, ref);
      const docs = guest === undefined ? await view.list(vmSnapshot) : await snapshotsOf(view, guest.id);
      const rows = docs.map(async ({ spec }) => ({
        // Under the name that it has now.
        vm: (await view.get(vm, spec.vm))?.spec.name ?? spec.guest.name,
        name: spec.name,
        createdMs: spec.createdMs,
        state: spec.removing ? ('removing' as const) : spec.making ? ('making' as const) : ('ready' as const),
        quiet: spec.quiet ?? null,
        quietMs: spec.quietMs ?? null,
        disks: spec.volumes,
      }));
      return (await Promise.all(rows)).toSorted(
        (a, b) => (a.vm < b.vm ? -1 : a.vm > b.vm ? 1 : 0) || a.createdMs - b.createdMs,
      );
    },
  }),
];
