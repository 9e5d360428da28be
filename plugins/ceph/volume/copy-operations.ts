/** Volumes with what other volumes or files hold, and files with what volumes hold. @module */
import { defineMutation, formatBytes, names, node as nodeKind, z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import type { exportInput } from './change-tasks.ts';
import { force, needVolume, newVolume, splitRef, volumeArgument, volumeTask } from './common.ts';
import { diskFormat } from './disk-file.ts';
import type { cloneInput, importInput } from './make-tasks.ts';
import { guardPromise } from './room.ts';
import { needSnapshot } from './snapshot-operations.ts';
import { volume, volumeRef } from './volume-kind.ts';

/** Copying takes as long as the disks take. */
const copyTimeoutMs = 24 * 3_600_000;
/** Its size is known once the file has been looked at. */
const unknownBytes = 4096;

const node = names.nodeName.describe('the node that has the file');
const path = names.absolutePath.describe('the file');

export function copyOperations(ceph: () => CephCommand) {
  return [
    defineMutation({
      name: 'volume.clone',
      summary: 'Make a volume with what another one holds',
      description:
        'Done at once: the clone reads from the other volume what it has not written itself, and that one cannot be removed until the clone is flattened. With --full everything is copied. A clone of a running guest’s volume is what a power cut would leave; a snapshot of the guest is better.',
      http: { method: 'POST', path: '/storage/volumes/{from}/clone' },
      cli: {
        command: 'storage volume clone',
        arguments: [
          { field: 'from', complete: 'volume' },
          { field: 'volume', value: 'NEW' },
        ],
        waits: true,
        examples: [
          'pvc storage volume clone vms/debian12 vms/web1',
          'pvc storage volume clone vms/web1 vms/web1-before --snapshot monday --full',
        ],
      },
      role: 'operator',
      input: z.strictObject({
        from: volumeRef.describe('the volume to clone, POOL/NAME'),
        volume: volumeRef.describe('the new volume, POOL/NAME'),
        snapshot: names.objectName.optional().describe('as it was in this snapshot (as it is now)'),
        full: z.boolean().default(false).describe('copy everything, so that the clone stands alone'),
        force,
      }),
      output: z.object({ volume: z.string(), from: z.string(), sizeBytes: z.int() }),
      async plan(plan, context, { from, volume: ref, snapshot, full, force: forced }) {
        const source = await needVolume(context.view, from);
        plan.unchanged(volume, source);
        const { sizeBytes } = snapshot === undefined ? source.spec : await needSnapshot(ceph(), from, snapshot);
        const id = await newVolume(plan, context, ref, sizeBytes);
        await guardPromise(ceph(), context, splitRef(ref).pool, sizeBytes, forced);
        const input: z.input<typeof cloneInput> = { from: source.id, snapshot: snapshot ?? null, full };
        volumeTask(plan, 'volume.clone', { id, label: ref }, input, copyTimeoutMs);
        plan.act(`clone ${from}${snapshot === undefined ? '' : ` as of ${snapshot}`} to ${ref}`);
        if (full) plan.act(`copy ${formatBytes(sizeBytes)} at most, so that it stands alone`);
        return { volume: ref, from, sizeBytes };
      },
    }),
    defineMutation({
      name: 'volume.flatten',
      summary: 'Copy into a clone what it still reads from another volume, so that it stands alone',
      http: { method: 'POST', path: '/storage/volumes/{volume}/flatten' },
      cli: { command: 'storage volume flatten', arguments: [volumeArgument], waits: true },
      role: 'operator',
      input: z.strictObject({ volume: volumeRef }),
      output: z.object({ volume: z.string() }),
      async plan(plan, { view }, { volume: ref }) {
        const doc = await needVolume(view, ref);
        plan.unchanged(volume, doc);
        volumeTask(plan, 'volume.flatten', { id: doc.id, label: ref }, null, copyTimeoutMs);
        plan.act(`copy into ${ref} what it reads from another volume`);
        return { volume: ref };
      },
    }),
    defineMutation({
      name: 'volume.import',
      summary: 'Make a volume from a disk image in a file of a node',
      description:
        'Raw, qcow2, VMDK, VDI, VHDX and VHD images are converted. The file is looked at before anything is written: one that is damaged, cut off or names other files is refused.',
      http: { method: 'POST', path: '/storage/volumes/{volume}/import' },
      cli: {
        command: 'storage volume import',
        arguments: [{ field: 'volume' }, { field: 'node', complete: 'node' }, { field: 'path', complete: 'file' }],
        waits: true,
        examples: ['pvc storage volume import vms/web1 hv1 /var/lib/images/web1.qcow2'],
      },
      role: 'admin',
      input: z.strictObject({
        volume: volumeRef,
        node,
        path,
        diskFormat: diskFormat.optional().describe('the form of the file (found out)'),
        force,
      }),
      output: z.object({ volume: z.string(), node: z.string(), path: z.string() }),
      async plan(plan, context, { volume: ref, node: name, path: file, diskFormat: format, force: forced }) {
        await context.view.need(nodeKind, name);
        const id = await newVolume(plan, context, ref, unknownBytes);
        const input: z.input<typeof importInput> = { path: file, format: format ?? null, force: forced };
        volumeTask(plan, 'volume.import', { id, label: ref }, input, copyTimeoutMs, name);
        plan.act(`look at ${file} on ${name}, then copy it into the image ${ref}`);
        return { volume: ref, node: name, path: file };
      },
    }),
    defineMutation({
      name: 'volume.export',
      summary: 'Copy a volume into a file of a node',
      description:
        'The volume may be in use: what is copied is what it holds when the copying begins. The file appears once it is whole.',
      http: { method: 'POST', path: '/storage/volumes/{volume}/export' },
      cli: {
        command: 'storage volume export',
        arguments: [volumeArgument, { field: 'node', complete: 'node' }, { field: 'path', complete: 'file' }],
        options: { diskFormat: { complete: diskFormat.options } },
        waits: true,
        examples: ['pvc storage volume export vms/web1 hv1 /var/lib/images/web1.qcow2 --disk-format qcow2'],
      },
      role: 'admin',
      input: z.strictObject({
        volume: volumeRef,
        node,
        path,
        snapshot: names.objectName.optional().describe('as it was in this snapshot (as it is now)'),
        diskFormat: diskFormat.default('raw').describe('its form'),
      }),
      output: z.object({ volume: z.string(), node: z.string(), path: z.string() }),
      async plan(plan, { view }, { volume: ref, node: name, path: file, snapshot, diskFormat: format }) {
        await view.need(nodeKind, name);
        const doc = await needVolume(view, ref);
        plan.unchanged(volume, doc);
        if (snapshot !== undefined) await needSnapshot(ceph(), ref, snapshot);
        const input: z.input<typeof exportInput> = { path: file, format, snapshot: snapshot ?? null };
        volumeTask(plan, 'volume.export', { id: doc.id, label: ref }, input, copyTimeoutMs, name);
        plan.act(`copy ${ref} to ${file} on ${name}`);
        return { volume: ref, node: name, path: file };
      },
    }),
  ];
}
