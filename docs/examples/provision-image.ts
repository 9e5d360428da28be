/**
 * Makes an image of a disk file and a profile for guests with it, from nothing: `debian12.qcow2` in, `pvc provisioner create
 * web1 debian12` possible.
 *
 * On a node, as root: `node docs/examples/provision-image.ts debian12 vms debian12.qcow2 office`.
 * @module
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createClient, PvcError } from '../../core/client/index.ts';

const [name, pool, file, network] = process.argv.slice(2);
if (name === undefined || pool === undefined || file === undefined || network === undefined)
  throw new Error('usage: provision-image.ts NAME POOL FILE NETWORK');

const client = createClient({ socket: '/run/pvc/pvc.sock' });

try {
  const { size } = await stat(file);
  const wish = { image: name, pool, minMemory: 512 };
  const { result } = await client.upload('image.upload', wish, createReadStream(file), { sizeBytes: size });

  await client.call('system-template.add', { template: name, vcpus: 2, memory: 2048, graphics: 'none' });
  await client.call('network-template.add', { template: name, nic: [{ network, antiSpoof: true }] });
  await client.call('storage-template.add', { template: name, disk: [{ pool, image: name, size: 20 * 2 ** 30 }] });
  await client.call('profile.add', { profile: name, system: name, storage: name, network: name });

  console.log(`the image ${name} (SHA-256 ${result.sha256}) and the profile ${name} are there`);
} catch (error) {
  if (!(error instanceof PvcError)) throw error;
  console.error(`${error.message}\n${error.hint}`);
  process.exitCode = 1;
} finally {
  client.close();
}
