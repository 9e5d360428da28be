/**
 * `npm run build:image`: what servers boot from the network, in dist/image: kernel, initramfs, root. The executable pvc is not
 * in it: a server fetches that from its cluster at each boot. Needs root and the Debian archive.
 *
 *   npm run build:image [-- --mirror URL]
 *
 * The same commit, packages and options make the same bytes: all times are SOURCE_DATE_EPOCH, or that of the commit.
 * @module
 */
import { chmod, copyFile, cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageVersion } from '../bundle.ts';
import { debianPackages } from '../deb/control.ts';
import { inRepository } from '../paths.ts';
import { debootstrap, hashOf, neutralise, only, run, squash, suite } from './debian.ts';
import { imagePackages } from './packages.ts';

const { values } = parseArgs({ options: { mirror: { type: 'string' } } });
const output = inRepository('dist/image');
const deb = (name: string): string => inRepository(`build/deb/${name}`);

const begin = performance.now();
const say = (text: string): void =>
  console.log(`image: ${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}`);

/** What is PVC's own, and what must not differ from one build to the next. */
async function furnish(root: string): Promise<void> {
  await cp(inRepository('build/image/root'), root, { recursive: true });
  for (const path of ['usr/lib/pvc/first-boot', 'etc/initramfs-tools/hooks/pvc']) await chmod(join(root, path), 0o755);
  const units = 'usr/lib/systemd/system';
  for (const unit of ['pvcd.service', 'pvc-leave.service', 'pvc-dnsmasq@.service'])
    await copyFile(deb(unit), join(root, units, unit));
  await copyFile(deb('leave-at-shutdown'), join(root, 'usr/lib/pvc/leave-at-shutdown'));
  await chmod(join(root, 'usr/lib/pvc/leave-at-shutdown'), 0o755);
  await mkdir(join(root, 'etc/pvc'), { recursive: true, mode: 0o700 });
  await copyFile(deb('pvc.yaml'), join(root, 'etc/pvc/pvc.yaml'));
  await chmod(join(root, 'etc/pvc/pvc.yaml'), 0o600);
  await writeFile(join(root, 'etc/fstab'), '# The root is in memory.\n');
  await mkdir(join(root, 'etc/pvc-image'), { recursive: true });
  await writeFile(join(root, 'etc/pvc-image/version'), `${packageVersion()}\n`);
  run('systemctl', [`--root=${root}`, 'enable', 'pvc-first-boot.service']);
  await neutralise(root, 'pvc-machine');
}

if (process.getuid?.() !== 0) throw new Error('an image can only be built by root: it holds files of other users');
await mkdir(inRepository('dist'), { recursive: true });
const work = await mkdtemp(inRepository('dist/image-'));
try {
  const root = join(work, 'root');
  const made = join(work, 'made');
  await mkdir(made);
  debootstrap(root, [...debianPackages('run'), ...Object.keys(imagePackages)], values.mirror);
  say('Debian is there');
  await furnish(root);
  const kernel = await only(join(root, 'boot'), 'vmlinuz-');
  await copyFile(join(root, 'boot', kernel), join(made, 'vmlinuz'));
  const squashfs = join(made, 'root.squashfs');
  squash(root, squashfs, ['boot/*']);
  const rootHash = await hashOf(squashfs);
  say('the root is packed');
  // After the root: it carries the hash by which it knows the root that belongs to it.
  await writeFile(join(root, 'etc/pvc-image/root.sha256'), `${rootHash}  root.squashfs\n`);
  run('chroot', [root, 'mkinitramfs', '-o', '/boot/initrd.pvc', kernel.slice('vmlinuz-'.length)]);
  await copyFile(join(root, 'boot/initrd.pvc'), join(made, 'initrd.img'));
  const files: Record<string, { sha256: string; bytes: number }> = {};
  for (const name of ['vmlinuz', 'initrd.img', 'root.squashfs'])
    files[name] = { sha256: await hashOf(join(made, name)), bytes: (await stat(join(made, name))).size };
  const about = { version: packageVersion(), suite, kernel: kernel.slice('vmlinuz-'.length), files };
  await writeFile(join(made, 'image.json'), `${JSON.stringify(about, undefined, 2)}\n`);
  await rm(output, { recursive: true, force: true });
  await rename(made, output);
  for (const [name, { bytes }] of Object.entries(files)) say(`dist/image/${name} ${(bytes / 1e6).toFixed(1)} MB`);
} finally {
  await rm(work, { recursive: true, force: true });
}
