/** Volumes of the cluster as exports and imports of whole guests need them. @module */
import {
  type Doc,
  issueLines,
  type PlanBuilder,
  type PlanContext,
  type Runtime,
  View,
  type Write,
  z,
} from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { patiently } from '../command/patient.ts';
import { pool as poolKind } from '../pool/pool-kind.ts';
import { whenClosed } from '../volume/closed.ts';
import { needFreeSnapshot, needVolume, newVolume, splitRef } from '../volume/common.ts';
import { convertToImage, type DiskFormat, inspectDiskFile, needDiskFile } from '../volume/disk-file.ts';
import {
  cloneImage,
  createImage,
  growImage,
  imageInfo,
  importImage,
  limitImage,
  removeImage,
} from '../volume/image.ts';
import { type DiffHead, diffBytes, exportDiff, exportWhole, importDiff, readDiffHead } from '../volume/image-diff.ts';
import { needRemovable, planRemoval } from '../volume/removal.ts';
import { guardPromise, guardRoom } from '../volume/room.ts';
import { removeSnapshot, snapshotsOf } from '../volume/snapshot-image.ts';
import { imageOf } from '../volume/volume-book.ts';
import { type VolumeSpec, volumeError, volume as volumeKind, volumeLimits } from '../volume/volume-kind.ts';

/** Copying takes as long as the disks take; the task that waits for it has its own end. */
const longTimeoutMs = 24 * 3_600_000;

const settings = z.strictObject({ limits: volumeLimits });

/** As the plugin of guests hands it over. */
type Origin =
  | { readonly from: 'nothing' }
  | { readonly from: 'snapshot'; readonly volume: string; readonly snapshot: string }
  | { readonly from: 'bytes'; readonly bytes: Uint8Array }
  | { readonly from: 'file'; readonly path: string; readonly form?: DiskFormat };

type VolumeDoc = Doc<VolumeSpec, null>;
type Head = Omit<DiffHead, 'sizeBytes'>;
interface Copy extends DiffHead {
  open(): AsyncIterable<Uint8Array>;
}

function bytesByPool(volumes: readonly { readonly volume: string; readonly sizeBytes: number }[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { volume, sizeBytes } of volumes) {
    const { pool } = splitRef(volume);
    sums.set(pool, (sums.get(pool) ?? 0) + sizeBytes);
  }
  return sums;
}

export function guestCopies(
  { documents, host, node, write }: Pick<Runtime, 'documents' | 'host' | 'node' | 'write'>,
  ceph: CephCommand,
) {
  const patient = ceph.patient();
  const long = (signal: AbortSignal | undefined) => ({ timeoutMs: longTimeoutMs, signal });
  const needMaking = async (id: string): Promise<VolumeDoc> => documents.need(volumeKind, id);

  /** Removes what an earlier try has left; its command ends by itself. */
  async function clear(image: string, signal: AbortSignal): Promise<void> {
    await whenClosed(host.clock, patient, image, 'filling it', signal);
    for (const { name } of (await snapshotsOf(patient, image)) ?? [])
      await removeSnapshot(patient, image, name, long(signal));
    await removeImage(patient, image, long(signal));
  }

  async function fill({ spec }: VolumeDoc, copies: readonly Copy[], signal: AbortSignal): Promise<void> {
    const image = imageOf(spec);
    await clear(image, signal);
    await createImage(patient, image, copies[0]?.sizeBytes ?? spec.sizeBytes);
    // Not a patient one: what was taken from a stream cannot be taken again.
    for (const copy of copies) await importDiff(ceph, image, copy.open(), { timeoutMs: longTimeoutMs, signal });
    for (const { snapshot } of copies) await removeSnapshot(patient, image, snapshot, long(signal));
    if (Object.values(spec.limits).some((limit) => limit > 0)) await limitImage(patient, image, spec.limits);
    const made = await imageInfo(patient, image);
    if (made === undefined) throw volumeError('VOLUME_LOST', { volume: image });
  }

  /** @throws PvcError DISK_FILE_UNFIT */
  async function diskFile(path: string, form: DiskFormat | undefined) {
    const file = await inspectDiskFile(host, node, path, form);
    needDiskFile(node, file);
    return file;
  }

  /** @throws PvcError DISK_FILE_UNFIT, also for a file that has grown since the volume was planned */
  async function fillFromFile(
    { path, form }: Extract<Origin, { from: 'file' }>,
    spec: VolumeSpec,
    signal: AbortSignal,
  ): Promise<void> {
    const image = imageOf(spec);
    const file = await diskFile(path, form);
    if (file.sizeBytes > spec.sizeBytes)
      throw volumeError('DISK_FILE_UNFIT', { path, node, reason: `it is larger than ${image}` });
    await createImage(patient, image, spec.sizeBytes);
    await convertToImage(ceph, file, image, long(signal));
  }

  return {
    form: 'rbd-diff-1',
    async hasPool(pool: string): Promise<boolean> {
      const doc = await documents.get(poolKind, pool);
      return doc !== undefined && !doc.spec.removing;
    },
    async describe(volume: string, { snapshot, since }: Head, signal: AbortSignal) {
      const found = (await snapshotsOf(patient, volume))?.find(({ name }) => name === snapshot);
      if (found === undefined) throw volumeError('SNAPSHOT_NOT_FOUND', { volume, snapshot });
      const { limits } = (await needVolume(new View(documents), volume)).spec;
      const bytes = await diffBytes(patient, volume, { snapshot, since }, long(signal));
      return { sizeBytes: found.sizeBytes, bytes, settings: { limits } satisfies z.input<typeof settings> };
    },
    async give(volume: string, head: Head, take: (piece: Uint8Array) => Promise<void>, signal: AbortSignal) {
      await exportDiff(ceph, volume, head, { ...long(signal), takeOutput: take });
    },
    async read(
      volume: string,
      snapshot: string,
      take: (piece: Uint8Array) => Promise<void>,
      signal: AbortSignal,
    ): Promise<void> {
      await exportWhole(ceph, volume, snapshot, { ...long(signal), takeOutput: take });
    },
    headProblem(head: Uint8Array, wanted: DiffHead): string | undefined {
      const found = readDiffHead(head);
      if (found === undefined) return 'it does not begin as an export of a volume does';
      const words = ({ snapshot, since, sizeBytes }: DiffHead): string =>
        `${JSON.stringify(snapshot)} since ${since === undefined ? 'the beginning' : JSON.stringify(since)} with ${sizeBytes} bytes`;
      return words(found) === words(wanted) ? undefined : `it is ${words(found)}, and not ${words(wanted)}`;
    },
    async planMake(
      plan: PlanBuilder,
      context: PlanContext,
      wanted: readonly { readonly volume: string; readonly sizeBytes: number; readonly settings: unknown }[],
      force: boolean,
    ): Promise<string[]> {
      const ids: string[] = [];
      for (const { volume, sizeBytes, settings: given } of wanted) {
        const read = settings.safeParse(given);
        if (!read.success)
          throw volumeError('VOLUME_COPY_UNFIT', { volume, reason: issueLines(read.error).join('; ') });
        const { limits } = read.data;
        ids.push(await newVolume(plan, context, volume, sizeBytes, { limits }));
        if ((await imageInfo(ceph, volume)) !== undefined) throw volumeError('VOLUME_FOREIGN', { volume });
      }
      for (const [pool, bytes] of bytesByPool(wanted)) await guardRoom(ceph, pool, bytes, force);
      return ids;
    },
    async planNew(
      plan: PlanBuilder,
      context: PlanContext,
      wanted: readonly { readonly volume: string; readonly sizeBytes: number }[],
      force: boolean,
    ): Promise<string[]> {
      const ids: string[] = [];
      for (const { volume, sizeBytes } of wanted) ids.push(await newVolume(plan, context, volume, sizeBytes));
      for (const [pool, bytes] of bytesByPool(wanted)) await guardPromise(ceph, context, pool, bytes, force);
      return ids;
    },
    async planRemove(plan: PlanBuilder, { view }: PlanContext, ref: string, snapshot?: string): Promise<void> {
      const doc = await view.find(volumeKind, 'image', ref);
      if (doc === undefined) throw volumeError('VOLUME_NOT_FOUND', { volume: ref });
      const image = imageOf(doc.spec);
      for (const name of await needRemovable(ceph, image, true))
        if (name !== snapshot) await needFreeSnapshot(view, ref, name);
      planRemoval(plan, doc, { withSnapshots: true, awaitClosed: true });
    },
    async inspect(path: string, form?: DiskFormat): Promise<{ readonly sizeBytes: number; readonly form: DiskFormat }> {
      const { sizeBytes, format } = await diskFile(path, form);
      return { sizeBytes, form: format };
    },
    async needFree(id: string): Promise<void> {
      const image = imageOf((await needMaking(id)).spec);
      if ((await imageInfo(patient, image)) !== undefined) throw volumeError('VOLUME_FOREIGN', { volume: image });
    },
    async make(id: string, copies: readonly Copy[], signal: AbortSignal): Promise<void> {
      const doc = await needMaking(id);
      await patiently(host, { signal, log: host.log }, () => fill(doc, copies, signal));
    },
    async makeFrom(
      id: string,
      origin: Origin,
      { again, signal }: { again: boolean; signal: AbortSignal },
    ): Promise<void> {
      const { spec } = await needMaking(id);
      const image = imageOf(spec);
      let left = again;
      await patiently(host, { signal, log: host.log }, async () => {
        if (left) await clear(image, signal);
        left = true;
        if (origin.from === 'snapshot') {
          await cloneImage(patient, origin.volume, origin.snapshot, image);
          await growImage(patient, image, spec.sizeBytes);
        } else if (origin.from === 'bytes') await importImage(ceph, image, origin.bytes, signal);
        else if (origin.from === 'file') await fillFromFile(origin, spec, signal);
        else await createImage(patient, image, spec.sizeBytes);
      });
    },
    async blockOptions(id: string): Promise<Readonly<Record<string, unknown>>> {
      const { pool, name } = splitRef(imageOf((await needMaking(id)).spec));
      // The monitors and the key are where librados looks for them: /etc/ceph.
      return { driver: 'rbd', pool, image: name };
    },
    async made(id: string): Promise<Write | undefined> {
      const doc = await needMaking(id);
      return doc.spec.making
        ? { do: 'spec', kind: volumeKind, before: doc, spec: { ...doc.spec, making: false } }
        : undefined;
    },
    async unmake(id: string, begun: boolean): Promise<void> {
      const doc = await documents.get(volumeKind, id);
      if (doc === undefined || !doc.spec.making) return;
      const image = imageOf(doc.spec);
      if (begun) {
        await whenClosed(host.clock, patient, image, 'its removal');
        for (const { name } of (await snapshotsOf(patient, image)) ?? [])
          await removeSnapshot(patient, image, name, long(undefined));
        await removeImage(patient, image, long(undefined));
      }
      await write([{ do: 'remove', kind: volumeKind, before: doc }]);
    },
  };
}
