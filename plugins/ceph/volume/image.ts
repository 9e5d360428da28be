/** RBD images, by the command `rbd`. Every act may be done again. @module */
import { z } from '../../../core/plugin/api.ts';
import type { CallOptions, CephCommand } from '../command/ceph-command.ts';

/** ENOENT of rbd. */
const absentCode = 2;

const info = z.looseObject({
  name: z.string(),
  size: z.int(),
  features: z.array(z.string()),
  parent: z.looseObject({ pool: z.string(), image: z.string(), snapshot: z.string() }).optional(),
});

export interface ImageInfo {
  readonly sizeBytes: number;
  readonly features: readonly string[];
  readonly parent: { readonly pool: string; readonly image: string; readonly snapshot: string } | undefined;
}

/** Undefined: there is no such image. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function imageInfo(ceph: CephCommand, image: string): Promise<ImageInfo | undefined> {
  const result = await ceph.attempt(['rbd', 'info', image, '--format', 'json']);
  if (result.code === absentCode) return undefined;
  const value = await ceph.askRbd(info, ['info', image]);
  return { sizeBytes: value.size, features: value.features, parent: value.parent };
}

/** What QEMU, snapshots by difference and quick figures of use need. */
const features = 'layering,exclusive-lock,object-map,fast-diff,deep-flatten';

export async function createImage(ceph: CephCommand, image: string, sizeBytes: number): Promise<void> {
  await ceph.rbd(`the image ${image}`, ['create', image, '--size', `${sizeBytes}B`, '--image-feature', features]);
}

export async function removeImage(ceph: CephCommand, image: string, options: CallOptions): Promise<void> {
  if ((await imageInfo(ceph, image)) === undefined) return;
  await ceph.rbd(`the removal of ${image}`, ['remove', '--no-progress', image], options);
}

export async function resizeImage(ceph: CephCommand, image: string, sizeBytes: number): Promise<void> {
  await ceph.rbd(`the size of ${image}`, ['resize', '--no-progress', image, '--size', `${sizeBytes}B`]);
}
