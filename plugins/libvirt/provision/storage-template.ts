/** A storage template: the disks of a guest, each made of an image or empty. @module */
import {
  type Doc,
  defineKind,
  defineMutation,
  defineQuery,
  formatBytes,
  names,
  type View,
  z,
} from '../../../core/plugin/api.ts';
import { given } from '../given.ts';
import { type ImageSpec, image as imageKind, needReady } from './image-kind.ts';
import { description, refuseTwice, same, usedBy, usersOf } from './named.ts';
import { provisionError } from './provision-errors.ts';

export const fileSystems = ['ext4', 'xfs', 'btrfs', 'swap'] as const;

/** Where it is mounted in the guest; it goes to the guest's fstab. */
const mountpoint = z
  .string()
  .max(255)
  .regex(/^\/(?:[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*)?$/, 'an absolute path of A-Z, a-z, 0-9, ".", "_", "-" and "/"')
  .refine((path) => !path.split('/').some((part) => part === '.' || part === '..'), 'a path without ".."');

const sizeBytes = z
  .int()
  .min(1024 * 1024)
  .max(2 ** 52);

export const templateDisk = z.strictObject({
  pool: names.objectName,
  /** What it holds at first; without one it is empty. */
  image: names.objectName.optional(),
  /** Without one as large as the image. */
  sizeBytes: sizeBytes.optional(),
  bus: z.enum(['virtio', 'scsi', 'sata']).default('virtio'),
  /**
   * What is made of an empty disk, and where it is mounted: by PVC for the build script, or, where the profile has none, by
   * cloud-init at the first boot.
   */
  filesystem: z.enum(fileSystems).optional(),
  mountpoint: mountpoint.optional(),
});
export type TemplateDisk = z.infer<typeof templateDisk>;

export const storageTemplateSpec = z.strictObject({
  name: names.objectName,
  description,
  disks: z.array(templateDisk).min(1).max(24),
});
export type StorageTemplate = z.infer<typeof storageTemplateSpec>;

export const storageTemplate = defineKind<StorageTemplate, null>({
  name: 'storage-template',
  plural: 'storage-templates',
  version: 1,
  id: names.objectName,
  spec: storageTemplateSpec,
  status: z.null(),
  unique: ({ name }) => ({ name: [name] }),
  refers: ({ disks }) =>
    [...new Set(disks.flatMap(({ image }) => (image === undefined ? [] : [image])))].map((name) => ({
      kind: 'image',
      name,
    })),
  command: 'provisioner template storage',
});

/**
 * What is wrong with disks, by themselves and with their images. Pure.
 * @param images by name; those that are not there are refused elsewhere
 */
export function diskProblem(
  disks: readonly TemplateDisk[],
  images: ReadonlyMap<string, Pick<ImageSpec, 'sizeBytes'>>,
): string | undefined {
  const mounted = new Set<string>();
  for (const [at, disk] of disks.entries()) {
    const which = `its disk ${at + 1}`;
    if (disk.image === undefined && disk.sizeBytes === undefined)
      return `${which} is empty and needs a size (size=20G), or an image that it is made of (image=NAME)`;
    const size = disk.image === undefined ? undefined : images.get(disk.image)?.sizeBytes;
    if (size !== undefined && disk.sizeBytes !== undefined && disk.sizeBytes < size)
      return `${which} has ${formatBytes(disk.sizeBytes)}, and its image ${disk.image} needs ${formatBytes(size)}`;
    if (disk.image !== undefined && disk.filesystem !== undefined)
      return `${which} is made of the image ${disk.image}, so no file system is made on it`;
    if (disk.mountpoint === undefined) continue;
    if (disk.filesystem === undefined || disk.filesystem === 'swap')
      return `${which} is mounted at ${disk.mountpoint}, and needs a file system for that (filesystem=ext4)`;
    if (mounted.has(disk.mountpoint)) return `two disks are mounted at ${disk.mountpoint}`;
    mounted.add(disk.mountpoint);
  }
  return undefined;
}

/** @throws PvcError OBJECT_NOT_FOUND, IMAGE_BUSY */
export async function imagesOf(
  view: View,
  disks: readonly TemplateDisk[],
): Promise<ReadonlyMap<string, Doc<ImageSpec, null>>> {
  const found = new Map<string, Doc<ImageSpec, null>>();
  for (const { image } of disks) {
    if (image === undefined || found.has(image)) continue;
    const doc = await view.need(imageKind, image);
    needReady(doc);
    found.set(image, doc);
  }
  return found;
}

const template = names.objectName.describe('name of the template');
const templateArgument = { field: 'template', complete: 'storage-template' } as const;
const diskOption = {
  from: 'pairs',
  value: 'pool=NAME[,image=,size=,bus=,filesystem=,mountpoint=]',
} as const;

const disksInput = z
  .array(
    templateDisk.omit({ sizeBytes: true }).extend({
      size: sizeBytes.optional().meta({ unit: 'bytes' }),
      bus: templateDisk.shape.bus.unwrap().optional(),
    }),
  )
  .min(1)
  .max(24);
const diskHelp = 'disk: its pool, and an image, a size, or both; may be repeated';

/** @throws PvcError OBJECT_NOT_FOUND, IMAGE_BUSY, PROVISION_INPUT */
async function disksOf(view: View, name: string, asked: z.output<typeof disksInput>): Promise<TemplateDisk[]> {
  const disks = asked.map(({ size, ...disk }) => templateDisk.parse(given({ ...disk, sizeBytes: size })));
  const images = new Map([...(await imagesOf(view, disks))].map(([image, { spec }]) => [image, spec]));
  const reason = diskProblem(disks, images);
  if (reason !== undefined) throw provisionError('PROVISION_INPUT', { kind: 'storage-template', name, reason });
  return disks;
}

const told = ({ name, disks }: StorageTemplate): string =>
  `${name}: ${disks.map(({ pool, image, sizeBytes: size }) => [pool, image ?? 'empty', ...(size === undefined ? [] : [formatBytes(size)])].join(' ')).join(', ')}`;

const row = storageTemplateSpec;

export const storageTemplateOperations = [
  defineMutation({
    name: 'storage-template.add',
    summary: 'Make a storage template: the disks of a guest',
    description:
      'A disk with an image is a copy-on-write clone of it, made larger where a size is given. On an empty one a file system is made and mounted, where that is asked for: for the build script of the profile, or without one by cloud-init at the first boot.',
    http: { method: 'POST', path: '/provisioner/storage-templates/{template}' },
    cli: {
      command: 'provisioner template storage add',
      arguments: [{ field: 'template' }],
      options: { disk: diskOption },
      examples: [
        'pvc provisioner template storage add root --disk pool=vms,image=debian12,size=20G',
        'pvc provisioner template storage add db --disk pool=vms,image=debian12 --disk pool=fast,size=100G,filesystem=xfs,mountpoint=/var/lib/db',
      ],
    },
    role: 'operator',
    input: z.strictObject({ template, description: description.default(''), disk: disksInput.describe(diskHelp) }),
    output: row,
    async plan(plan, { view }, { template: name, description: text, disk }) {
      refuseTwice('storage-template', name, await view.get(storageTemplate, name));
      const spec = { name, description: text, disks: await disksOf(view, name, disk) };
      plan.create(storageTemplate, name, spec);
      plan.act(told(spec));
      return spec;
    },
  }),
  defineMutation({
    name: 'storage-template.modify',
    summary: 'Change a storage template; guests that were made from it stay as they are',
    http: { method: 'PATCH', path: '/provisioner/storage-templates/{template}' },
    cli: {
      command: 'provisioner template storage modify',
      arguments: [templateArgument],
      options: { disk: diskOption },
      examples: ['pvc provisioner template storage modify root --disk pool=vms,image=debian13,size=20G'],
    },
    role: 'operator',
    input: z.strictObject({
      template,
      description: description.optional(),
      disk: disksInput.optional().describe('disks, in the place of all that it has; may be repeated'),
    }),
    output: row,
    async plan(plan, { view }, { template: name, description: text, disk }) {
      const doc = await view.need(storageTemplate, name);
      const disks = disk === undefined ? undefined : await disksOf(view, name, disk);
      const spec = { ...doc.spec, ...given({ description: text, disks }) };
      if (same(doc.spec, spec)) throw provisionError('PROVISION_UNCHANGED', { kind: 'storage-template', name });
      plan.update(storageTemplate, doc, spec);
      plan.act(told(spec));
      return spec;
    },
  }),
  defineMutation({
    name: 'storage-template.remove',
    summary: 'Remove a storage template that no profile has',
    http: { method: 'DELETE', path: '/provisioner/storage-templates/{template}' },
    cli: { command: 'provisioner template storage remove', aliases: ['rm'], arguments: [templateArgument] },
    role: 'operator',
    input: z.strictObject({ template }),
    output: row,
    async plan(plan, { view }, { template: name }) {
      const doc = await view.need(storageTemplate, name);
      plan.remove(storageTemplate, doc);
      plan.act(`remove the storage template ${name}`);
      return doc.spec;
    },
  }),
  defineQuery({
    name: 'storage-template.list',
    summary: 'List storage templates',
    http: { method: 'GET', path: '/provisioner/storage-templates' },
    cli: { command: 'provisioner template storage list' },
    role: 'viewer',
    input: z.strictObject({}),
    output: z.array(row),
    run: async ({ view }) => (await view.list(storageTemplate)).map(({ spec }) => spec),
  }),
  defineQuery({
    name: 'storage-template.info',
    summary: 'Show a storage template and the profiles that have it',
    http: { method: 'GET', path: '/provisioner/storage-templates/{template}' },
    cli: { command: 'provisioner template storage info', arguments: [templateArgument] },
    role: 'viewer',
    input: z.strictObject({ template }),
    output: row.extend({ usedBy }),
    async run({ view }, { template: name }) {
      const { spec } = await view.need(storageTemplate, name);
      return { ...spec, usedBy: await usersOf(view, 'storage-template', name) };
    },
  }),
];
