/** An image: what a volume held in one moment, for the disks of new guests. @module */
import { type Doc, defineKind, names, z } from '../../../core/plugin/api.ts';
import { description } from './named.ts';
import { provisionError } from './provision-errors.ts';

export const sha256 = z
  .string()
  .toLowerCase()
  .regex(/^[0-9a-f]{64}$/, 'a SHA-256 is 64 hexadecimal digits');

export const volumeName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'a volume is named POOL/NAME, each 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-", starting and ending with a letter or digit',
  );

export const imageSpec = z.strictObject({
  name: names.objectName,
  description,
  /** POOL/NAME, and the snapshot of it that guests' disks are clones of. */
  volume: volumeName,
  snapshot: names.objectName,
  createdMs: z.int(),
  os: names.oneLine,
  /** The least that a guest with it needs. */
  minMemoryMiB: z.int().min(0),
  /** Known once it is made: its size, and the checksum of all its bytes. */
  sizeBytes: z.int().min(0),
  sha256: sha256.optional(),
  /** A task makes or removes it: it has no name that others may use. */
  making: z.boolean(),
  removing: z.boolean(),
  /** Its volume is made, or removed, with it: until that is done there is none that it could refer to. */
  volumeToo: z.literal(true).optional(),
});
export type ImageSpec = z.infer<typeof imageSpec>;

export const image = defineKind<ImageSpec, null>({
  name: 'image',
  plural: 'images',
  version: 1,
  id: names.objectName,
  spec: imageSpec,
  status: z.null(),
  unique: ({ name, making, removing }) => ({ name: making || removing ? [] : [name] }),
  refers: ({ volume, snapshot, volumeToo }) =>
    volumeToo === true
      ? []
      : [
          { kind: 'volume', name: volume },
          { kind: 'volume-snapshot', name: `${volume}@${snapshot}` },
        ],
  command: 'provisioner image',
});

/** @throws PvcError IMAGE_BUSY */
export function needReady({ id, spec }: Doc<ImageSpec, null>): void {
  if (spec.making || spec.removing)
    throw provisionError('IMAGE_BUSY', { image: id, doing: spec.making ? 'made' : 'removed' });
}
