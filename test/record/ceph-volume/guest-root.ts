/**
 * The root file system of the machine that is recorded: Debian with its own kernel, systemd, LVM and Ceph, as an ext4
 * image. Built once and kept: `.cache/record/<hash of what goes into it>/`.
 * @module
 */
import { createHash } from 'node:crypto';
import { access, copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../../lab/repository.ts';
import { run } from '../../lab/run.ts';

const packages: readonly string[] = [
  // The cloud kernel has no drivers for SATA disks and USB sticks.
  'linux-image-amd64',
  'systemd-sysv',
  'dbus',
  'udev',
  'kmod',
  'iproute2',
  'qemu-guest-agent',
  'ceph-mon',
  'ceph-osd',
  'ceph-common',
  'lvm2',
  'cryptsetup-bin',
  'gdisk',
  'parted',
  'fdisk',
  'e2fsprogs',
  'xfsprogs',
];
const aptOptions: readonly string[] = ['APT::Install-Recommends "false"'];
const dpkgOptions: readonly string[] = ['doc', 'man', 'locale'].map((name) => `path-exclude=/usr/share/${name}/*`);
const imageSize = '4G';

/** What a machine of this kind starts from. */
export interface GuestRoot {
  readonly kernel: string;
  readonly initrd: string;
  /** ext4 without a partition table. Never written to: machines get an overlay. */
  readonly image: string;
}

const pathsIn = (directory: string): GuestRoot => ({
  kernel: join(directory, 'vmlinuz'),
  initrd: join(directory, 'initrd.img'),
  image: join(directory, 'root.img'),
});

/** The root of this release of Debian; builds it if the cache has none (needs the Debian archive then). @throws CommandFailed */
export async function guestRoot(suite: string, signal: AbortSignal, onBuild: () => void): Promise<GuestRoot> {
  const cache = join(repository, '.cache/record');
  const parts = JSON.stringify([suite, packages, aptOptions, dpkgOptions, imageSize]);
  const directory = join(cache, createHash('sha256').update(parts).digest('hex').slice(0, 16));
  if (await exists(directory)) return pathsIn(directory);
  onBuild();
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'build-'));
  try {
    const made = join(work, 'made');
    await mkdir(made);
    await build(suite, join(work, 'root'), pathsIn(made), signal);
    await rename(made, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return pathsIn(directory);
}

async function build(suite: string, root: string, paths: GuestRoot, signal: AbortSignal): Promise<void> {
  const options = [
    ...aptOptions.map((option) => `--aptopt=${option}`),
    ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
    `--include=${packages.join(',')}`,
  ];
  const argv = ['nice', 'mmdebstrap', '--quiet', '--variant=minbase', '--format=directory', ...options, suite, root];
  await run(argv, { signal, timeoutMs: 1_200_000 });
  await writeFile(join(root, 'etc/hostname'), 'hv1\n');
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n');
  await writeFile(join(root, 'etc/fstab'), '');
  const boot = await readdir(join(root, 'boot'));
  const only = (prefix: string): string => {
    const found = boot.filter((name) => name.startsWith(prefix));
    if (found.length !== 1 || found[0] === undefined)
      throw new Error(`one ${prefix}… in /boot was expected: ${boot.join(' ')}`);
    return join(root, 'boot', found[0]);
  };
  await copyFile(only('vmlinuz-'), paths.kernel);
  await copyFile(only('initrd.img-'), paths.initrd);
  await run(['truncate', '--size', imageSize, paths.image], { signal });
  await run(['nice', 'mke2fs', '-q', '-t', 'ext4', '-d', root, paths.image], { signal, timeoutMs: 300_000 });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
