/** Snapshots of volumes. What there is, Ceph is asked. @module */
import {
  defineMutation,
  defineQuery,
  formatBytes,
  formatInstant,
  names,
  type RenderContext,
  table,
  z,
} from '../../../core/plugin/api.ts';
import { holdersOf, holderText } from '../client/holders.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needFreeSnapshot, needVolume, volumeArgument, volumeTask } from './common.ts';
import { type ImageSnapshot, snapshotsOf } from './snapshot-image.ts';
import { volume, volumeError, volumeRef } from './volume-kind.ts';

const shortTimeoutMs = 300_000;
const longTimeoutMs = 24 * 3_600_000;

const snapshotRow = z.object({
  name: z.string(),
  volume: z.string(),
  sizeBytes: z.int(),
  protected: z.boolean(),
  createdMs: z.number().nullable(),
});

const renderSnapshots = (rows: readonly z.output<typeof snapshotRow>[], context: RenderContext): string =>
  table(
    [{ title: 'VOLUME', keep: true }, 'SNAPSHOT', 'SIZE', 'MADE', 'PROTECTED'],
    rows.map((row) => [
      row.volume,
      row.name,
      formatBytes(row.sizeBytes),
      row.createdMs === null ? null : formatInstant(row.createdMs),
      row.protected,
    ]),
    context,
  );

/** @throws PvcError VOLUME_LOST */
async function needSnapshots(ceph: CephCommand, ref: string): Promise<ImageSnapshot[]> {
  const found = await snapshotsOf(ceph, ref);
  if (found === undefined) throw volumeError('VOLUME_LOST', { volume: ref });
  return found;
}

/** @throws PvcError VOLUME_LOST, SNAPSHOT_NOT_FOUND */
export async function needSnapshot(ceph: CephCommand, ref: string, snapshot: string): Promise<ImageSnapshot> {
  const found = (await needSnapshots(ceph, ref)).find(({ name }) => name === snapshot);
  if (found === undefined) throw volumeError('SNAPSHOT_NOT_FOUND', { volume: ref, snapshot });
  return found;
}

const snapshotArguments = [volumeArgument, { field: 'snapshot' }] as const;
const input = z.strictObject({ volume: volumeRef, snapshot: names.objectName.describe('its name') });
const output = z.object({ volume: z.string(), snapshot: z.string() });
const path = '/storage/volumes/{volume}/snapshots/{snapshot}';

export function snapshotOperations(ceph: () => CephCommand) {
  const protection = (verb: 'protect' | 'unprotect', summary: string) =>
    defineMutation({
      name: `volume.snapshot-${verb}`,
      summary,
      http: { method: 'POST', path: `${path}/${verb}` },
      cli: { command: `storage snapshot ${verb}`, arguments: snapshotArguments, waits: true },
      role: 'operator',
      input,
      output,
      async plan(plan, { view }, { volume: ref, snapshot }) {
        const doc = await needVolume(view, ref);
        await needSnapshot(ceph(), ref, snapshot);
        plan.unchanged(volume, doc);
        const wanted = { snapshot, protected: verb === 'protect' };
        volumeTask(plan, 'volume.snapshot-protect', { id: doc.id, label: ref }, wanted, shortTimeoutMs);
        plan.act(`${verb} the snapshot ${snapshot} of ${ref}`);
        return { volume: ref, snapshot };
      },
    });

  return [
    defineMutation({
      name: 'volume.snapshot-add',
      summary: 'Make a snapshot of a volume',
      description:
        'The snapshot of a running guest’s volume is what a power cut would leave; `pvc vm snapshot add` takes all disks of a guest in one moment, in order.',
      http: { method: 'POST', path: '/storage/volumes/{volume}/snapshots' },
      cli: {
        command: 'storage snapshot add',
        arguments: snapshotArguments,
        waits: true,
        examples: ['pvc storage snapshot add vms/web1 monday'],
      },
      role: 'operator',
      input,
      output,
      async plan(plan, { view }, { volume: ref, snapshot }) {
        const doc = await needVolume(view, ref);
        if ((await needSnapshots(ceph(), ref)).some(({ name }) => name === snapshot))
          throw volumeError('SNAPSHOT_EXISTS', { volume: ref, snapshot });
        plan.unchanged(volume, doc);
        volumeTask(plan, 'volume.snapshot-add', { id: doc.id, label: ref }, { snapshot }, shortTimeoutMs);
        plan.act(`make the snapshot ${snapshot} of ${ref}`);
        return { volume: ref, snapshot };
      },
    }),
    defineMutation({
      name: 'volume.snapshot-rename',
      summary: 'Give a snapshot of a volume another name',
      http: { method: 'POST', path: `${path}/rename` },
      cli: {
        command: 'storage snapshot rename',
        arguments: [...snapshotArguments, { field: 'name', value: 'NEWNAME' }],
        waits: true,
      },
      role: 'operator',
      input: input.extend({ name: names.objectName.describe('its new name') }),
      output,
      async plan(plan, { view }, { volume: ref, snapshot, name }) {
        const doc = await needVolume(view, ref);
        const known = new Set((await needSnapshots(ceph(), ref)).map((one) => one.name));
        if (!known.has(snapshot)) throw volumeError('SNAPSHOT_NOT_FOUND', { volume: ref, snapshot });
        await needFreeSnapshot(view, ref, snapshot);
        if (known.has(name)) throw volumeError('SNAPSHOT_EXISTS', { volume: ref, snapshot: name });
        plan.unchanged(volume, doc);
        const task = { snapshot, to: name };
        volumeTask(plan, 'volume.snapshot-rename', { id: doc.id, label: ref }, task, shortTimeoutMs);
        plan.act(`rename the snapshot ${snapshot} of ${ref} to ${name}`);
        return { volume: ref, snapshot: name };
      },
    }),
    protection('protect', 'Protect a snapshot of a volume against removal'),
    protection('unprotect', 'End the protection of a snapshot'),
    defineMutation({
      name: 'volume.snapshot-rollback',
      summary: 'Make a volume what it was in a snapshot; everything written since is lost',
      http: { method: 'POST', path: `${path}/rollback` },
      cli: {
        command: 'storage snapshot rollback',
        arguments: snapshotArguments,
        confirm: 'Make {volume} what it was in {snapshot}, and lose everything written since?',
        waits: true,
      },
      role: 'operator',
      input,
      output,
      async plan(plan, { view }, { volume: ref, snapshot }) {
        const doc = await needVolume(view, ref);
        await needSnapshot(ceph(), ref, snapshot);
        const holders = await holdersOf(ceph(), view, ref);
        if (holders.length > 0)
          throw volumeError('VOLUME_IN_USE', {
            volume: ref,
            users: holders.map(holderText).join(', '),
            what: 'going back',
          });
        plan.unchanged(volume, doc);
        volumeTask(plan, 'volume.snapshot-rollback', { id: doc.id, label: ref }, { snapshot }, longTimeoutMs);
        plan.act(`make ${ref} what it was in ${snapshot}`);
        plan.warn(`What was written to ${ref} since ${snapshot} is lost.`);
        return { volume: ref, snapshot };
      },
    }),
    defineMutation({
      name: 'volume.snapshot-remove',
      summary: 'Remove a snapshot of a volume',
      http: { method: 'DELETE', path },
      cli: {
        command: 'storage snapshot remove',
        aliases: ['rm'],
        arguments: snapshotArguments,
        confirm: 'Remove the snapshot {snapshot} of {volume}?',
        waits: true,
      },
      role: 'operator',
      input,
      output,
      async plan(plan, { view }, { volume: ref, snapshot }) {
        const doc = await needVolume(view, ref);
        if ((await needSnapshot(ceph(), ref, snapshot)).protected)
          throw volumeError('SNAPSHOT_PROTECTED', { volume: ref, snapshot });
        await needFreeSnapshot(view, ref, snapshot);
        plan.unchanged(volume, doc);
        volumeTask(plan, 'volume.snapshot-remove', { id: doc.id, label: ref }, { snapshot }, longTimeoutMs);
        plan.act(`remove the snapshot ${snapshot} of ${ref}`);
        return { volume: ref, snapshot };
      },
    }),
    defineQuery({
      name: 'volume.snapshot-list',
      summary: 'List the snapshots of a volume',
      http: { method: 'GET', path: '/storage/volumes/{volume}/snapshots' },
      cli: { command: 'storage snapshot list', arguments: [volumeArgument], render: renderSnapshots },
      role: 'viewer',
      input: z.strictObject({ volume: volumeRef }),
      output: z.array(snapshotRow),
      async run({ view }, { volume: ref }) {
        await needVolume(view, ref);
        return (await needSnapshots(ceph(), ref)).map((one) => ({ ...one, volume: ref }));
      },
    }),
  ];
}
