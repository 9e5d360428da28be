/**
 * `npm run build:image`: what servers boot from the network, in dist/image: kernel, initramfs, root. The executable pvc is not
 * in it: a server fetches that from its cluster at each boot. Needs root and the Debian archive.
 *
 *   npm run build:image [-- --mirror URL]
 *
 * The same commit, packages and options make the same bytes: all times are SOURCE_DATE_EPOCH, or that of the commit.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, cp, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageVersion } from '../bundle.ts';
import { debianPackages } from '../deb/control.ts';
import { inRepository } from '../paths.ts';
import { imagePackages } from './packages.ts';

const suite = 'bookworm';
const { values } = parseArgs({ options: { mirror: { type: 'string' } } });
const output = inRepository('dist/image');
const deb = (name: string): string => inRepository(`build/deb/${name}`);

const begin = performance.now();
const say = (text: string): void =>
  console.log(`image: ${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}`);

/** Seconds since 1970 that stand for all times in the image (reproducible-builds.org/specs/source-date-epoch). */
function sourceDate(): string {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) {
    if (!/^\d{1,11}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${given}`);
    return given;
  }
  return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: inRepository('.'), encoding: 'utf8' }).trim();
}

const environment = { ...process.env, SOURCE_DATE_EPOCH: sourceDate(), LC_ALL: 'C.UTF-8' };
const run = (file: string, args: readonly string[]): void =>
  void execFileSync(file, args, { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) hash.update(piece);
  return hash.digest('hex');
}

/** Debian with all that a node needs, in a directory. */
function debootstrap(root: string): void {
  const packages = [...new Set([...debianPackages('run'), ...Object.keys(imagePackages)])].sort();
  // Its /proc and /sys are mounted where nobody else sees them: what is left when it is killed can be removed without
  // reaching those of this machine.
  run('unshare', [
    ...['--mount', '--propagation', 'private', 'mmdebstrap'],
    ...['--quiet', '--mode=root', '--variant=minbase', '--format=directory'],
    '--aptopt=APT::Install-Recommends "false"',
    ...['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    // Licences stay: the image is given to others.
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    // It is thrown away when it is not finished: nothing is to be saved from a power cut.
    '--dpkgopt=force-unsafe-io',
    `--include=${packages.join(',')}`,
    ...[suite, root],
    ...(values.mirror === undefined ? [] : [values.mirror]),
  ]);
}

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
  await writeFile(join(root, 'etc/hostname'), 'pvc-machine\n');
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  // Not that of the machine that built it, which mmdebstrap leaves there.
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await writeFile(join(root, 'etc/resolv.conf'), '');
  await writeFile(join(root, 'etc/fstab'), '# The root is in memory.\n');
  await mkdir(join(root, 'etc/pvc-image'), { recursive: true });
  await writeFile(join(root, 'etc/pvc-image/version'), `${packageVersion()}\n`);
  // Each server makes its own at its boot (ssh.service.d/keys.conf): one that all share proves nothing.
  for (const name of await readdir(join(root, 'etc/ssh')))
    if (name.startsWith('ssh_host_')) await rm(join(root, 'etc/ssh', name));
  run('systemctl', [`--root=${root}`, 'enable', 'pvc-first-boot.service']);
  for (const path of ['var/cache/ldconfig/aux-cache', 'var/cache/apt', 'var/lib/apt/lists'])
    await rm(join(root, path), { recursive: true, force: true });
  for (const path of ['var/cache/apt', 'var/lib/apt/lists']) await mkdir(join(root, path), { recursive: true });
  // The directories stay: they belong to the users of their services.
  for (const entry of await readdir(join(root, 'var/log'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await rm(join(entry.parentPath, entry.name));
}

async function only(directory: string, prefix: string): Promise<string> {
  const [found, ...more] = (await readdir(directory)).filter((name) => name.startsWith(prefix));
  if (found === undefined || more.length > 0) throw new Error(`one ${prefix}… was expected in ${directory}`);
  return found;
}

if (process.getuid?.() !== 0) throw new Error('an image can only be built by root: it holds files of other users');
await mkdir(inRepository('dist'), { recursive: true });
const work = await mkdtemp(inRepository('dist/image-'));
try {
  const root = join(work, 'root');
  const made = join(work, 'made');
  await mkdir(made);
  debootstrap(root);
  say('Debian is there');
  await furnish(root);
  const kernel = await only(join(root, 'boot'), 'vmlinuz-');
  await copyFile(join(root, 'boot', kernel), join(made, 'vmlinuz'));
  const squashfs = join(made, 'root.squashfs');
  run('mksquashfs', [
    ...[root, squashfs, '-quiet', '-no-progress', '-noappend'],
    // Level 15, which mksquashfs takes by itself, takes minutes more and saves some per cent.
    ...['-comp', 'zstd', '-Xcompression-level', '6'],
    ...['-wildcards', '-e', 'boot/*'],
  ]);
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
