/**
 * Builds the small guest once and keeps it: `.cache/guest/<hash of what it is made from>/`.
 * @module
 */
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../repository.ts';
import { makeBootCd, makeBootDisk } from './boot-disk.ts';
import { packInitrd } from './initrd.ts';
import { fetchKernel } from './kernel.ts';

/** Paths of one built guest. */
export interface GuestImage {
  readonly directory: string;
  /** For direct boot; give it `console=ttyS0`. */
  readonly kernel: string;
  readonly initrd: string;
  /** Raw, boots from BIOS. Copy it before a guest writes to it. */
  readonly disk: string;
  readonly cd: string;
  /** A libvirt domain that boots a copy of the disk. */
  readonly xml: string;
}

const sources = join(repository, 'test/lab/guest');
const cache = join(repository, '.cache/guest');

const pathsIn = (directory: string): GuestImage => ({
  directory,
  kernel: join(directory, 'vmlinuz'),
  initrd: join(directory, 'initrd'),
  disk: join(directory, 'disk.img'),
  cd: join(directory, 'cdrom.iso'),
  xml: join(directory, 'guest.xml'),
});

/**
 * The guest image, built if this version of it is not in the cache (needs the Debian archive then).
 * @throws CommandFailed, Error as `fetchKernel` and `packInitrd` do
 */
export async function guestImage(
  options: { signal?: AbortSignal | undefined; onBuild?: () => void } = {},
): Promise<GuestImage> {
  const { signal } = options;
  const image = pathsIn(join(cache, await sourceHash()));
  if (await exists(join(image.directory, 'manifest.json'))) return image;

  options.onBuild?.();
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'build-'));
  try {
    const made = pathsIn(join(work, 'out'));
    await mkdir(made.directory);
    const kernel = await fetchKernel(join(work, 'kernel'), signal);
    await copyFile(kernel.vmlinuz, made.kernel);
    await packInitrd(
      { root: join(sources, 'root'), modules: kernel.modules, tree: join(work, 'tree'), output: made.initrd },
      signal,
    );
    const files = { kernel: made.kernel, initrd: made.initrd, work: join(work, 'boot') };
    await makeBootDisk(files, made.disk, signal);
    await makeBootCd(files, made.cd, signal);
    await copyFile(join(sources, 'guest.xml'), made.xml);
    const manifest = {
      kernel: kernel.packageName,
      modules: kernel.modules.length,
      initrdBytes: (await stat(made.initrd)).size,
    };
    await writeFile(join(made.directory, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await settle(made.directory, image.directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return image;
}

/** Two builds may race: the first to rename wins, and both are the same. */
async function settle(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!(await exists(join(to, 'manifest.json')))) throw error;
  }
}

/** A hash over every file that the guest is made from, except tests. */
async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  const names = (await readdir(sources, { recursive: true })).sort();
  for (const name of names) {
    const path = join(sources, name);
    if (name.endsWith('.test.ts') || !(await stat(path)).isFile()) continue;
    hash
      .update(`${name}\0`)
      .update(await readFile(path))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
