/** The catalogue of images. @module */
import { defineMutation, defineQuery, names, z } from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import { type ImageSpec, image as imageKind, imageSpec, sha256, volumeName } from './image-kind.ts';
import type { imageInput } from './image-task.ts';
import { description, refuseTwice, same, usedBy, usersOf } from './named.ts';
import { provisionError } from './provision-errors.ts';

/** Reading takes as long as the disks take. */
const readTimeoutMs = 24 * 3_600_000;
const removeTimeoutMs = 24 * 3_600_000;

const image = names.objectName.describe('name of the image');
const imageArgument = { field: 'image', complete: 'image' } as const;
const facts = {
  os: names.oneLine.describe('operating system, for people'),
  minMemory: imageSpec.shape.minMemoryMiB
    .describe('least memory of a guest with it, in MiB unless a unit is given')
    .meta({ unit: 'MiB' }),
};

const row = imageSpec.omit({ making: true, removing: true }).extend({ state: z.enum(['making', 'ready', 'removing']) });
const rowOf = ({ making, removing, ...rest }: ImageSpec): z.input<typeof row> => ({
  ...rest,
  state: removing ? 'removing' : making ? 'making' : 'ready',
});

export const imageOperations = [
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
      description: description.default(''),
      os: facts.os.default(''),
      minMemory: facts.minMemory.default(0),
      sha256: sha256.optional().describe('what the SHA-256 of its content, as the guest sees it, must be'),
    }),
    output: row,
    async plan(plan, context, { image: name, volume, description: text, os, minMemory, sha256: wanted }) {
      const { view, nowMs } = context;
      refuseTwice('image', name, await view.get(imageKind, name));
      const spec: ImageSpec = {
        ...{ name, description: text, volume, os, minMemoryMiB: minMemory },
        snapshot: `pvc-image-${context.uuid().slice(0, 8)}`,
        createdMs: Math.round(nowMs),
        ...{ sizeBytes: 0, making: true, removing: false },
      };
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
    summary: 'Remove an image that no storage template has; its volume and guests stay',
    http: { method: 'DELETE', path: '/provisioner/images/{image}' },
    cli: {
      command: 'provisioner image remove',
      aliases: ['rm'],
      arguments: [imageArgument],
      confirm: 'Remove the image {image}? Its volume and the guests made of it stay.',
      waits: true,
    },
    role: 'operator',
    input: z.strictObject({ image }),
    output: row,
    async plan(plan, { view }, { image: name }) {
      const doc = await view.need(imageKind, name);
      const spec = { ...doc.spec, removing: true };
      plan.update(imageKind, doc, spec);
      plan.task({
        action: 'image.remove',
        target: { kind: 'image', id: name, label: name },
        node: undefined,
        input: null,
        timeoutMs: removeTimeoutMs,
      });
      plan.act(`remove the snapshot ${doc.spec.volume}@${doc.spec.snapshot}`);
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
