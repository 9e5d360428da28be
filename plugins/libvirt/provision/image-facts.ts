/** What is told of an image, in what callers say and in what they are shown. @module */
import { names, type PlanContext, z } from '../../../core/plugin/api.ts';
import { type ImageSpec, imageSpec, sha256 } from './image-kind.ts';
import { description } from './named.ts';

export const image = names.objectName.describe('name of the image');

export const facts = {
  os: names.oneLine.describe('operating system, for people'),
  minMemory: imageSpec.shape.minMemoryMiB
    .describe('least memory of a guest with it, in MiB unless a unit is given')
    .meta({ unit: 'MiB' }),
};

/** Of a new image. */
export const newFacts = {
  description: description.default(''),
  os: facts.os.default(''),
  minMemory: facts.minMemory.default(0),
  sha256: sha256.optional().describe('what the SHA-256 of its content, as the guest sees it, must be'),
};

/** An image that a task will make. @param wish what is told of it */
export const newImage = (
  { uuid, nowMs }: Pick<PlanContext, 'uuid' | 'nowMs'>,
  wish: Pick<ImageSpec, 'name' | 'description' | 'volume' | 'os' | 'minMemoryMiB' | 'volumeToo'>,
): ImageSpec => ({
  ...wish,
  snapshot: `pvc-image-${uuid().slice(0, 8)}`,
  createdMs: Math.round(nowMs),
  ...{ sizeBytes: 0, making: true, removing: false },
});

export const row = imageSpec
  .omit({ making: true, removing: true, volumeToo: true })
  .extend({ state: z.enum(['making', 'ready', 'removing']) });

export const rowOf = ({ making, removing, volumeToo: _with, ...rest }: ImageSpec): z.input<typeof row> => ({
  ...rest,
  state: removing ? 'removing' : making ? 'making' : 'ready',
});
