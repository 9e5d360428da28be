/**
 * Makes new guests come from a new image: what a guest holds that was prepared by hand becomes the image `NAME`, and every
 * storage template that had the old image gets the new one. Guests that are there stay as they are.
 *
 * On a node, as root: `node docs/examples/provision-renewal.ts prepared debian12 debian12-2026-11`.
 * @module
 */
import { createClient, PvcError } from '../../core/client/index.ts';

const [guest, old, image] = process.argv.slice(2);
if (guest === undefined || old === undefined || image === undefined)
  throw new Error('usage: provision-renewal.ts GUEST OLD-IMAGE NEW-IMAGE');

const client = createClient({ socket: '/run/pvc/pvc.sock' });
const done = async ({ tasks }: { readonly tasks: readonly string[] }): Promise<void> => {
  for (const id of tasks) await client.wait(id);
};

try {
  const { state, disks } = await client.call('vm.info', { vm: guest });
  // An image of a guest that runs is what a power cut would leave.
  if (state !== 'stopped') await done(await client.call('vm.shutdown', { vm: guest }));
  const volume = disks.find(({ device }) => device === 'disk')?.name ?? undefined;
  if (volume === undefined) throw new Error(`${guest} has no disk`);
  const { os, minMemoryMiB } = await client.call('image.info', { image: old });
  await done(await client.call('image.add', { image, volume, os, minMemory: minMemoryMiB }));

  for (const { name, disks: before } of await client.call('storage-template.list', {})) {
    if (!before.some((disk) => disk.image === old)) continue;
    const disk = before.map(({ sizeBytes: size, ...one }) => ({
      ...one,
      ...(size === undefined ? {} : { size }),
      ...(one.image === old ? { image } : {}),
    }));
    await client.call('storage-template.modify', { template: name, disk });
    console.log(`${name} has the image ${image} now`);
  }
} catch (error) {
  if (!(error instanceof PvcError)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = 1;
} finally {
  client.close();
}
