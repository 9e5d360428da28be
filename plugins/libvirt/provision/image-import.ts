/** Images out of disk files, of the caller's or of a node: volume and image come into being together, or neither does. @module */
import { createHash } from 'node:crypto';
import {
  defineMutation,
  defineQuery,
  defineUpload,
  formatBytes,
  names,
  performFor,
  type Runtime,
  z,
} from '../../../core/plugin/api.ts';
import { nodeOfFiles } from '../export/export-operations.ts';
import type { Shelf, ShelfOptions } from '../shelf.ts';
import { diskForm, needStore, type VolumeStore, type VolumeStoreHook } from '../snapshot/volume-store.ts';
import { image, newFacts, newImage, row, rowOf } from './image-facts.ts';
import type { imageImportInput } from './image-import-task.ts';
import { image as imageKind } from './image-kind.ts';
import { refuseTwice } from './named.ts';
import { provisionError } from './provision-errors.ts';

/** Copying takes as long as the disks take. */
const importTimeoutMs = 24 * 3_600_000;

export interface ImportPart {
  readonly runtime: Runtime;
  readonly images: Shelf;
}

/** Where disk files are while images are made of them. */
export const imageShelf: ShelfOptions = {
  name: 'images',
  action: 'image.import',
  field: 'path',
  full: (lack) => provisionError('IMAGE_NO_SPACE', lack),
};

const wishes = {
  image,
  pool: names.objectName.describe('pool for its volume, which gets the name of the image'),
  diskFormat: diskForm.optional().describe('the form of the file (found out)'),
  ...newFacts,
  force: z.boolean().default(false).describe('even if the pool could run full'),
};
const options = { pool: { complete: 'pool' }, diskFormat: { complete: diskForm.options } } as const;

/** SHA-256 and SHA-512 are told apart by their length. */
const fileSum = z
  .string()
  .toLowerCase()
  .regex(/^(?:[0-9a-f]{64}|[0-9a-f]{128})$/, 'a SHA-256 is 64 hexadecimal digits, a SHA-512 is 128');

const looked = z.object({ sizeBytes: z.int(), form: diskForm });

export function imageImportOperations(need: () => ImportPart, hook: VolumeStoreHook) {
  const unfit = (name: string, reason: string) => provisionError('IMAGE_FILE_UNFIT', { image: name, reason });
  const storeOf = (name: string, volume: string): Promise<VolumeStore> =>
    needStore(hook, { volume }, (pool) => unfit(name, `there is no pool ${pool}`));

  /** Takes the file, and compares its checksum while it comes. @returns its path */
  async function take(
    name: string,
    body: AsyncIterable<Uint8Array>,
    directory: string,
    sum: string | undefined,
  ): Promise<string> {
    const path = `${directory}/disk`;
    const hash = createHash(sum?.length === 128 ? 'sha512' : 'sha256');
    const target = await need().runtime.host.files.createBeside(path, 0o600);
    try {
      for await (const piece of body) {
        hash.update(piece);
        await target.write(piece);
      }
      const found = hash.digest('hex');
      if (sum !== undefined && sum !== found)
        throw unfit(name, `its checksum is ${found}, and should be ${sum}: it is damaged, or another file`);
      await target.keep();
    } finally {
      await target.drop();
    }
    return path;
  }

  return [
    defineQuery({
      name: 'image.look',
      summary: 'What a disk file that lies on a node is',
      description: 'Called by `provisioner image import`.',
      http: { method: 'POST', path: '/nodes/{node}/disk-files' },
      role: 'admin',
      input: z.strictObject({
        ...{ node: names.nodeName, path: names.absolutePath, image, pool: names.objectName },
        diskFormat: diskForm.optional(),
      }),
      output: looked,
      on: async (_context, { node }) => node,
      async run(_context, { path, image: name, pool, diskFormat }) {
        return (await storeOf(name, `${pool}/${name}`)).inspect(path, diskFormat);
      },
    }),
    defineMutation({
      name: 'image.import',
      summary: 'Make an image of a disk file that lies on a node, and the volume for it',
      description:
        'The file stays as it is. What fails or is cancelled leaves neither a volume nor an image. See `provisioner image upload` for the forms that it may have.',
      http: { method: 'POST', path: '/provisioner/images/{image}/import' },
      cli: {
        command: 'provisioner image import',
        arguments: [{ field: 'image' }, { field: 'path', complete: 'file' }],
        options: { ...options, node: { complete: 'node' } },
        waits: true,
        examples: ['pvc provisioner image import debian12 /var/lib/debian-12.qcow2 --pool vms --node hv1'],
      },
      role: 'admin',
      input: z.strictObject({
        ...wishes,
        path: names.absolutePath.describe('the file'),
        node: names.nodeName.optional().describe('node that has it (the primary)'),
      }),
      output: row,
      async plan(plan, context, { image: name, pool, path, node: wanted, diskFormat, sha256, force, ...told }) {
        const { runtime } = need();
        const volume = `${pool}/${name}`;
        refuseTwice('image', name, await context.view.get(imageKind, name));
        const store = await storeOf(name, volume);
        const node = await nodeOfFiles(context, wanted);
        const asked = { node, path, image: name, pool, ...(diskFormat === undefined ? {} : { diskFormat }) };
        const { sizeBytes, form } = looked.parse(await runtime.ask('image.look', asked, runtime.signal));
        const { description, os, minMemory: minMemoryMiB } = told;
        const spec = newImage(context, { name, description, volume, os, minMemoryMiB, volumeToo: true });
        plan.create(imageKind, name, spec);
        const [volumeId = ''] = await store.planNew(plan, context, [{ volume, sizeBytes }], force);
        const input: z.input<typeof imageImportInput> = { volumeId, path, form, sizeBytes, sha256: sha256 ?? null };
        plan.task({
          action: 'image.import',
          target: { kind: 'image', id: name, label: name },
          node,
          input,
          timeoutMs: importTimeoutMs,
        });
        plan.act(`make ${volume} (${formatBytes(sizeBytes)}) from a ${form} file on ${node}`);
        plan.act(`make the image ${name} of it, and read it`);
        return rowOf(spec);
      },
    }),
    defineUpload({
      name: 'image.upload',
      summary: 'Make an image of a disk file of yours, and the volume for it',
      description:
        'The volume POOL/IMAGE is made of it, and the image of that. Raw, qcow2, VMDK, VDI, VHDX and VHD files are converted; one that is damaged, cut off or names other files is refused. It needs room for the file on the node that is asked. What fails or is interrupted leaves neither a volume nor an image.',
      http: { method: 'PUT', path: '/provisioner/images/{image}/content' },
      cli: {
        command: 'provisioner image upload',
        arguments: [{ field: 'image' }],
        options,
        examples: [
          'pvc provisioner image upload debian12 debian-12-generic-amd64.qcow2 --pool vms --os "Debian 12" --min-memory 512',
        ],
      },
      role: 'operator',
      input: z.strictObject({
        ...wishes,
        fileSum: fileSum.optional().describe('what the SHA-256 or SHA-512 of the file itself must be'),
      }),
      output: row,
      async receive({ view }, { fileSum: sum, ...wish }, body, run) {
        const { runtime, images } = need();
        const { image: name, pool } = wish;
        const volume = `${pool}/${name}`;
        refuseTwice('image', name, await view.get(imageKind, name));
        if (await (await storeOf(name, volume)).has(volume)) throw unfit(name, `there is a volume ${volume} already`);
        const sizeBytes = run.sizeBytes ?? 0;
        if (sizeBytes === 0) throw unfit(name, 'it is empty');
        const directory = await images.place(sizeBytes);
        try {
          const path = await take(name, body, directory, sum);
          run.progress('looks at the file');
          await performFor(run, runtime, 'image.import', { ...wish, path, node: runtime.node });
          // Not the view: that shows what was there before.
          return rowOf((await runtime.documents.need(imageKind, name)).spec);
        } finally {
          await runtime.host.files.remove(directory);
        }
      },
    }),
  ];
}
