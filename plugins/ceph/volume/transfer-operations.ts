/**
 * Disk images between a caller's file and a volume. They pass through a file of the node that is asked, since `qemu-img`
 * needs one.
 * @module
 */
import {
  defineDownload,
  defineUpload,
  followTask,
  names,
  performFor,
  type Runtime,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { needPool } from '../pool/operations.ts';
import { force, needVolume, splitRef, volumeArgument } from './common.ts';
import { diskFormat, inspectDiskFile, needDiskFile } from './disk-file.ts';
import { usedBytes } from './image.ts';
import { guardRoom } from './room.ts';
import { needSnapshot } from './snapshot-operations.ts';
import type { Spool } from './spool.ts';
import { volume, volumeError, volumeRef } from './volume-kind.ts';

interface Part {
  readonly runtime: Runtime;
  readonly ceph: CephCommand;
  readonly spool: Spool;
}

export const transferOperations = (part: () => Part) => [
  defineUpload({
    name: 'volume.upload',
    summary: 'Make a volume from a disk image in a file of yours',
    description:
      'Raw, qcow2, VMDK, VDI, VHDX and VHD images are converted. The image is looked at before anything of the volume is written: one that is damaged, cut off or names other files is refused. It needs room for the file on the node that is asked.',
    http: { method: 'PUT', path: '/storage/volumes/{volume}/content' },
    cli: {
      command: 'storage volume upload',
      arguments: [{ field: 'volume' }],
      options: { diskFormat: { complete: diskFormat.options } },
      examples: ['pvc storage volume upload vms/debian12 debian-12-generic-amd64.qcow2'],
    },
    role: 'operator',
    input: z.strictObject({
      volume: volumeRef,
      diskFormat: diskFormat.optional().describe('the form of the file (found out)'),
      force,
    }),
    output: z.object({ volume: z.string(), sizeBytes: z.int(), diskFormat }),
    async receive({ view }, input, body, run) {
      const { runtime, ceph, spool } = part();
      const { host, node } = runtime;
      const { volume: ref, diskFormat: wanted, force: forced } = input;
      const { pool } = splitRef(ref);
      await needPool(view, pool);
      if ((await view.find(volume, 'image', ref)) !== undefined) throw volumeError('VOLUME_EXISTS', { volume: ref });
      const sizeBytes = run.sizeBytes ?? 0;
      if (sizeBytes === 0) throw volumeError('DISK_FILE_UNFIT', { path: 'that was sent', node, reason: 'it is empty' });
      // No form of image is much larger than what the guest sees; what it comes to is looked at again later.
      await guardRoom(ceph, pool, wanted === 'raw' ? sizeBytes : 0, forced);
      const path = await spool.place(sizeBytes);
      try {
        const target = await host.files.createBeside(path, 0o600);
        try {
          for await (const piece of body) await target.write(piece);
          await target.keep();
        } finally {
          await target.drop();
        }
        run.progress('looks at the image');
        const file = await inspectDiskFile(host, node, path, wanted);
        needDiskFile(node, file);
        await performFor(run, runtime, 'volume.import', {
          ...{ volume: ref, node, path, force: forced },
          diskFormat: file.format,
        });
        return { volume: ref, sizeBytes: file.sizeBytes, diskFormat: file.format };
      } finally {
        await host.files.remove(path);
      }
    },
  }),
  defineDownload({
    name: 'volume.download',
    summary: 'Copy a volume into a file of yours',
    description:
      'The volume may be in use: what is copied is what it holds when the copying begins. It needs room for the file on the node that is asked.',
    http: { method: 'GET', path: '/storage/volumes/{volume}/content' },
    cli: {
      command: 'storage volume download',
      arguments: [volumeArgument],
      options: { diskFormat: { complete: diskFormat.options } },
      examples: ['pvc storage volume download vms/web1 web1.qcow2 --disk-format qcow2'],
    },
    role: 'operator',
    input: z.strictObject({
      volume: volumeRef,
      snapshot: names.objectName.optional().describe('as it was in this snapshot (as it is now)'),
      diskFormat: diskFormat.default('raw').describe('the form of the file'),
    }),
    async send({ view }, { volume: ref, snapshot, diskFormat: format }, { signal }) {
      const { runtime, ceph, spool } = part();
      const { host, node } = runtime;
      await needVolume(view, ref);
      if (snapshot !== undefined) await needSnapshot(ceph, ref, snapshot);
      const path = await spool.place(await usedBytes(ceph, ref));
      try {
        const wanted = { volume: ref, node, path, diskFormat: format };
        const { tasks } = await runtime.perform('volume.export', {
          ...wanted,
          ...(snapshot === undefined ? {} : { snapshot }),
        });
        for (const task of tasks) await followTask(runtime, task, signal, () => undefined);
        const source = await host.files.openRead(path);
        if (source === undefined) throw volumeError('VOLUME_LOST', { volume: ref });
        return {
          sizeBytes: source.sizeBytes,
          body: untilRead(source.body, [() => source.close(), () => host.files.remove(path)]),
        };
      } catch (error) {
        await host.files.remove(path);
        throw error;
      }
    },
  }),
];

/** The pieces, and then what is to be done, also when nobody wants the rest. */
async function* untilRead(
  pieces: AsyncIterable<Uint8Array>,
  then: readonly (() => Promise<void>)[],
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* pieces;
  } finally {
    for (const act of then) await act();
  }
}
