/**
 * Writes a guest as it was in a snapshot into files of this node. They come into being under a hidden name and are there
 * once they are whole; begun again, it begins from the start.
 * @module
 */
import { createHash } from 'node:crypto';
import {
  type AnyTaskDefinition,
  defineTask,
  formatBytes,
  lackOfRoom,
  orTakenBack,
  type Runtime,
  type TaskRun,
} from '../../../core/plugin/api.ts';
import { vmDocumentText } from '../domain/document.ts';
import { type SnapshotSpec, vmSnapshot } from '../snapshot/snapshot-kind.ts';
import type { VolumeStoreHook } from '../snapshot/volume-store.ts';
import { withStores } from '../snapshot/with-stores.ts';
import { exportError } from './export-errors.ts';
import { copyFile, type DiskCopy, guestMeta, type Manifest, manifestName } from './manifest.ts';
import { exportInput } from './task-inputs.ts';

type Run = Pick<TaskRun, 'id' | 'spec'>;
type Moment = { readonly id: string; readonly spec: SnapshotSpec };

const placeOf = ({ spec, id }: Run): { directory: string; path: string; part: string } => {
  const { directory, name } = exportInput.parse(spec.input);
  return { directory, path: `${directory}/${name}`, part: `${directory}/.${name}.pvc-${id}` };
};

export function exportTask({ host, documents, node }: Runtime, hook: VolumeStoreHook): AnyTaskDefinition {
  const { files, clock } = host;

  /** Each disk with what is to be copied of it. */
  async function copiesOf(run: TaskRun, { spec }: Moment, since: Moment | undefined) {
    const disks = [];
    for (const [store, { target, volume, snapshot }] of await withStores(hook, spec)) {
      const earlier = since?.spec.volumes.find((one) => one.target === target)?.snapshot;
      run.progress(0, `looks at what ${target} holds`);
      const head = { snapshot, since: earlier };
      disks.push({ store, target, volume, head, ...(await store.describe(volume, head, run.signal)) });
    }
    return disks;
  }
  type Disk = Awaited<ReturnType<typeof copiesOf>>[number];

  /** @throws PvcError VM_EXPORT_NO_SPACE */
  async function needSpace(directory: string, bytes: number): Promise<void> {
    const lack = await lackOfRoom(files, directory, bytes);
    if (lack !== undefined) throw exportError('VM_EXPORT_NO_SPACE', { node, path: directory, ...lack });
  }

  /** @param told hears how many bytes have come */
  async function copy(disk: Disk, part: string, signal: AbortSignal, told: (bytes: number) => void): Promise<DiskCopy> {
    const { store, target, volume, head, sizeBytes, settings } = disk;
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await files.createBeside(`${part}/${copyFile(target)}`);
    try {
      const take = async (piece: Uint8Array): Promise<void> => {
        hash.update(piece);
        await file.write(piece);
        bytes += piece.length;
        told(bytes);
      };
      await store.give(volume, head, take, signal);
      await file.keep();
    } finally {
      await file.drop();
    }
    const known = { target, volume, snapshot: head.snapshot, sizeBytes, file: copyFile(target), bytes };
    return { ...known, sha256: hash.digest('hex'), form: store.form, settings: settings as DiskCopy['settings'] };
  }

  function manifestOf({ id, spec }: Moment, since: Moment | undefined, disks: DiskCopy[]): Manifest {
    const { guest, vm: uuid, name, createdMs, quiet = 'off', quietMs = 0 } = spec;
    return {
      format: 'pvc-guest',
      version: 1,
      writtenMs: Math.round(clock.wallMs()),
      guest: { uuid, name: guest.name, xml: vmDocumentText(uuid, guest), meta: guestMeta.strip().parse(guest) },
      snapshot: { id, name, createdMs, quiet, quietMs },
      since: since === undefined ? null : { id: since.id, name: since.spec.name },
      disks,
    };
  }

  async function exportGuest(run: TaskRun): Promise<unknown> {
    const { directory, path, part } = placeOf(run);
    const { snapshot, since } = exportInput.parse(run.spec.input);
    if (run.phase !== 'place') {
      if ((await files.stat(directory))?.kind !== 'directory')
        throw exportError('VM_EXPORT_NO_DIRECTORY', { path: directory, node });
      if ((await files.stat(path)) !== undefined) throw exportError('VM_EXPORT_EXISTS', { path, node });
      const moment = await documents.need(vmSnapshot, snapshot);
      const earlier = since === null ? undefined : await documents.need(vmSnapshot, since);
      const disks = await copiesOf(run, moment, earlier);
      const total = disks.reduce((sum, { bytes }) => sum + bytes, 0);
      await files.remove(part);
      await needSpace(directory, total);
      await run.advance('copy', { message: `copies ${formatBytes(total)} at most to ${path}` });
      await files.makeDirectory(part, 0o700);
      const copies: DiskCopy[] = [];
      for (const disk of disks) {
        const before = copies.reduce((sum, { bytes }) => sum + bytes, 0);
        const told = (bytes: number): void => run.progress((before + bytes) / total, `copies the disk ${disk.target}`);
        copies.push(await copy(disk, part, run.signal, told));
      }
      const manifest = manifestOf(moment, earlier, copies);
      await files.writeAtomic(`${part}/${manifestName}`, `${JSON.stringify(manifest, null, 2)}\n`);
      await run.advance('place', { message: `puts it at ${path}` });
    }
    if ((await files.stat(part)) !== undefined) await files.rename(part, path);
    return { node, path };
  }

  const forget = (run: Run): Promise<void> => files.remove(placeOf(run).part);

  return defineTask({
    action: 'vm.snapshot-export',
    summary: 'copies a guest, as it was in a snapshot, into files of the node',
    ...orTakenBack(exportGuest, forget),
  });
}
