/** The catalogue of images. @module */
import { defineMutation, defineQuery, z } from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import type { VolumeStoreHook } from '../snapshot/volume-store.ts';
import { facts, image, newFacts, newImage, row, rowOf } from './image-facts.ts';
import { type ImageSpec, image as imageKind, volumeName } from './image-kind.ts';
import { storeByPool } from './image-read.ts';
import type { imageInput } from './image-task.ts';
import { description, refuseTwice, same, usedBy, usersOf } from './named.ts';
import { provisionError } from './provision-errors.ts';

/** Reading takes as long as the disks take. */
const readTimeoutMs = 24 * 3_600_000;
const removeTimeoutMs = 24 * 3_600_000;

const imageArgument = { field: 'image', complete: 'image' } as const;

export const imageOperations = (hook: VolumeStoreHook) => [
  defineMutation({
    name: 'image.add',
    summary: 'Make an image of what a volume holds now, for the disks of new guests',
    description:
      'The volume may have been uploaded (`pvc storage volume upload`) or be that of a guest, best one that is shut down. What is written to it later does not change the image. All of it is read once, for its checksum.',
    http: { method: 'POST', path: '/provisioner/images/{image}' },
    cli: {
      command: 'provisioner image add',
      arguments: [{ field: 'image' }, { field: 'volume', complete: 'volume' }],
      waits: true,
      examples: ['pvc provisioner image add debian12 vms/debian12 --os "Debian 12" --min-memory 512'],
    },
    role: 'operator',
    input: z.strictObject({
      image,
      volume: volumeName.describe('the volume, POOL/NAME'),
      ...newFacts,
    }),
    output: row,
    async plan(plan, context, { image: name, volume, description: text, os, minMemory, sha256: wanted }) {
      const { view } = context;
      refuseTwice('image', name, await view.get(imageKind, name));
      const spec = newImage(context, { name, description: text, volume, os, minMemoryMiB: minMemory });
      plan.create(imageKind, name, spec);
      const input: z.input<typeof imageInput> = { sha256: wanted ?? null };
      plan.task({
        action: 'image.make',
        target: { kind: 'image', id: name, label: name },
        node: undefined,
        input,
        timeoutMs: readTimeoutMs,
      });
      const guests = (await usersOf(view, 'volume', volume)).filter((user) => user.startsWith('vm '));
      for (const guest of guests)
        plan.warn(`${volume} is a disk of ${guest}: if it runs, the image is what a power cut would leave`);
      plan.act(`make a snapshot of ${volume} and read it`);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'image.modify',
    summary: 'Change what is told of an image',
    http: { method: 'PATCH', path: '/provisioner/images/{image}' },
    cli: {
      command: 'provisioner image modify',
      arguments: [imageArgument],
      examples: ['pvc provisioner image modify debian12 --min-memory 1G'],
    },
    role: 'operator',
    input: z.strictObject({
      image,
      description: description.optional(),
      os: facts.os.optional(),
      minMemory: facts.minMemory.optional(),
    }),
    output: row,
    async plan(plan, { view }, { image: name, description: text, os, minMemory }) {
      const doc = await view.need(imageKind, name);
      plan.needIdle({ kind: 'image', id: name, label: name });
      const spec = { ...doc.spec, ...given({ description: text, os, minMemoryMiB: minMemory }) };
      if (same(doc.spec, spec)) throw provisionError('PROVISION_UNCHANGED', { kind: 'image', name });
      plan.update(imageKind, doc, spec);
      plan.act(`change what is told of the image ${name}`);
      return rowOf(spec);
    },
  }),
  defineMutation({
    name: 'image.remove',
    summary: 'Remove an image that no storage template has; guests stay, and its volume unless that is to go too',
    description:
      'With --with-volume its volume goes too. That is refused while disks of guests read from it (`pvc storage volume flatten`), or something else has the volume.',
    http: { method: 'DELETE', path: '/provisioner/images/{image}' },
    cli: {
      command: 'provisioner image remove',
      aliases: ['rm'],
      arguments: [imageArgument],
      confirm: 'Remove the image {image}? The guests made of it stay.',
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({
      image,
      withVolume: z.boolean().default(false).describe('its volume too, with everything in it'),
    }),
    output: row,
    async plan(plan, context, { image: name, withVolume }) {
      const doc = await context.view.need(imageKind, name);
      const { volume, snapshot, volumeToo } = doc.spec;
      // What was begun with the volume ends with it.
      const both = withVolume || volumeToo === true;
      const spec: ImageSpec = { ...doc.spec, removing: true };
      if (both) {
        plan.remove(imageKind, doc);
        await (await storeByPool(hook, doc.spec)).planRemove(plan, context, volume, snapshot);
        return rowOf(spec);
      }
      plan.update(imageKind, doc, spec);
      plan.task({
        action: 'image.remove',
        target: { kind: 'image', id: name, label: name },
        node: undefined,
        input: null,
        timeoutMs: removeTimeoutMs,
      });
      plan.act(`remove the snapshot ${volume}@${snapshot}`);
      return rowOf(spec);
    },
  }),
  defineQuery({
    name: 'image.list',
    summary: 'List images',
    http: { method: 'GET', path: '/provisioner/images' },
    cli: { command: 'provisioner image list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(row),
    run: async ({ view }) => (await view.list(imageKind)).map(({ spec }) => rowOf(spec)),
  }),
  defineQuery({
    name: 'image.info',
    summary: 'Show an image and the storage templates that have it',
    http: { method: 'GET', path: '/provisioner/images/{image}' },
    cli: { command: 'provisioner image info', arguments: [imageArgument] },
    role: 'viewer',
    input: z.strictObject({ image }),
    output: row.extend({ usedBy }),
    async run({ view }, { image: name }) {
      const { spec } = await view.need(imageKind, name);
      return { ...rowOf(spec), usedBy: await usersOf(view, 'image', name) };
    },
  }),
];
