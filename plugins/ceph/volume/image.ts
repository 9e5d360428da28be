/** RBD images, by the command `rbd`. Every act may be done again. @module */
import { z } from '../../../core/plugin/api.ts';
import { absentCode, type CallOptions, type CephCommand } from '../command/ceph-command.ts';
import type { VolumeLimits } from './volume-kind.ts';

const info = z.looseObject({
  name: z.string(),
  id: z.string(),
  size: z.int(),
  features: z.array(z.string()),
  parent: z.looseObject({ pool: z.string(), image: z.string(), snapshot: z.string() }).optional(),
});

export interface ImageInfo {
  /** Stays the same when the image is renamed. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly features: readonly string[];
  /** What it was cloned from and still reads from. */
  readonly parent: { readonly pool: string; readonly image: string; readonly snapshot: string } | undefined;
}

/** Undefined: there is no such image. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function imageInfo(ceph: CephCommand, image: string): Promise<ImageInfo | undefined> {
  const value = await ceph.askRbdOrAbsent(info, ['info', image]);
  if (value === undefined) return undefined;
  return { id: value.id, sizeBytes: value.size, features: value.features, parent: value.parent };
}

/** What QEMU, snapshots by difference and quick figures of use need. */
const features = ['--image-feature', 'layering,exclusive-lock,object-map,fast-diff,deep-flatten'];

export async function createImage(ceph: CephCommand, image: string, sizeBytes: number): Promise<void> {
  await ceph.rbd(`the image ${image}`, ['create', image, '--size', `${sizeBytes}B`, ...features]);
}

export async function removeImage(ceph: CephCommand, image: string, options: CallOptions = {}): Promise<void> {
  await ceph.rbd(`the removal of ${image}`, ['remove', '--no-progress', image], { ...options, fine: [absentCode] });
}

/** Grows an image; one that is as large already stays as it is. */
export async function growImage(ceph: CephCommand, image: string, sizeBytes: number): Promise<void> {
  const now = await imageInfo(ceph, image);
  if (now !== undefined && now.sizeBytes >= sizeBytes) return;
  await ceph.rbd(`the size of ${image}`, ['resize', '--no-progress', image, '--size', `${sizeBytes}B`]);
}

/**
 * Copy-on-write: the clone reads from the snapshot what it has not written itself. Of the second form, which needs no
 * protected snapshot and outlives its removal (rbd(8), `rbd_default_clone_format`).
 */
export async function cloneImage(ceph: CephCommand, from: string, snapshot: string, to: string): Promise<void> {
  await ceph.rbd(`the clone ${to}`, [
    ...['clone', `${from}@${snapshot}`, to, '--rbd-default-clone-format', '2'],
    ...features,
  ]);
}

/** Makes an image that holds these bytes. Through a pipe, so that the command ends by itself with whoever feeds it. */
export async function importImage(
  ceph: CephCommand,
  image: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  await ceph.rbd(`the image ${image}`, ['import', '--no-progress', '-', image, ...features], { input: bytes });
}

/** Copies into a clone what it still reads from its parent. */
export async function flattenImage(ceph: CephCommand, image: string, options: CallOptions): Promise<void> {
  if ((await imageInfo(ceph, image))?.parent === undefined) return;
  await ceph.rbd(`the flattening of ${image}`, ['flatten', image], options);
}

export async function renameImage(ceph: CephCommand, from: string, to: string): Promise<void> {
  await ceph.rbd(`the new name ${to}`, ['rename', from, to]);
}

const children = z.array(z.looseObject({ pool: z.string(), image: z.string() }));

/** Images that read from this one, as POOL/NAME; those of one snapshot when it is named. */
export async function clonesOf(ceph: CephCommand, image: string, snapshot?: string): Promise<string[]> {
  const args = snapshot === undefined ? ['children', '--all', image] : ['children', `${image}@${snapshot}`];
  const found = (await ceph.askRbdOrAbsent(children, args)) ?? [];
  return found.map((one) => `${one.pool}/${one.image}`);
}

const watchers = z.looseObject({ watchers: z.array(z.looseObject({ address: z.string(), client: z.int() })) });

export interface Watcher {
  /** `10.10.1.2:0/3141592653`: host, port and nonce of the client, as the blocklist takes it. */
  readonly address: string;
  readonly client: number;
}

/** Who has the image open. */
export async function watchersOf(ceph: CephCommand, image: string): Promise<Watcher[]> {
  const found = await ceph.askRbdOrAbsent(watchers, ['status', image]);
  return (found?.watchers ?? []).map(({ address, client }) => ({ address, client }));
}

/** Settings of librbd that hold an image's clients back; they take effect at once, also on running guests. */
const limitSettings: Readonly<Record<keyof VolumeLimits, string>> = {
  iops: 'rbd_qos_iops_limit',
  readIops: 'rbd_qos_read_iops_limit',
  writeIops: 'rbd_qos_write_iops_limit',
  bytesPerS: 'rbd_qos_bps_limit',
  readBytesPerS: 'rbd_qos_read_bps_limit',
  writeBytesPerS: 'rbd_qos_write_bps_limit',
};

export async function limitImage(ceph: CephCommand, image: string, limits: VolumeLimits): Promise<void> {
  for (const [field, setting] of Object.entries(limitSettings))
    await ceph.rbd(`the limits of ${image}`, [
      ...['config', 'image', 'set', image],
      ...[setting, String(limits[field as keyof VolumeLimits])],
    ]);
}

const used = z.looseObject({
  images: z.array(z.looseObject({ name: z.string(), used_size: z.number(), snapshot: z.string().optional() })),
});

/** Bytes that each image of a pool takes, its snapshots with it, without replicas; reads the maps of objects only. */
export async function usedInPool(ceph: CephCommand, pool: string, options: CallOptions): Promise<Map<string, number>> {
  const { images } = await ceph.askRbd(used, ['du', '--pool', pool], options);
  const sums = new Map<string, number>();
  for (const { name, used_size } of images) sums.set(name, (sums.get(name) ?? 0) + used_size);
  return sums;
}

/** As `usedInPool`, of one image. */
export async function usedBytes(ceph: CephCommand, image: string): Promise<number> {
  const { images } = await ceph.askRbd(used, ['du', image]);
  return images.reduce((sum, { used_size }) => sum + used_size, 0);
}

/** How far `rbd` or `qemu-img -p` is, from 0 to 1, out of what it writes: "… 12% complete", "(12.34/100%)". */
export function progressIn(text: string): number | undefined {
  const last = [...text.matchAll(/(\d+)% complete|\((\d+(?:\.\d+)?)\/100%\)/g)].at(-1);
  const percent = last?.[1] ?? last?.[2];
  return percent === undefined ? undefined : Math.min(1, Number(percent) / 100);
}
