/**
 * A small Debian as clouds have it, in a directory: the packages that its own cloud images get their network and their first boot
 * from (netplan.io, networkd, resolved, cloud-init), and nothing that a first boot does not need. What cloud-init is told is in
 * none of its files: which data source there is it finds out by itself (ds-identify).
 * @module
 */
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run } from '../lab/run.ts';

/** Releases of Debian, each with a cloud-init of its age. */
export const suites = ['bookworm', 'trixie'] as const;
export type Suite = (typeof suites)[number];

const packages: readonly string[] = [
  'linux-image-cloud-amd64',
  'initramfs-tools',
  'zstd',
  'systemd-sysv',
  'systemd-resolved',
  'dbus',
  'udev',
  'kmod',
  'e2fsprogs',
  'iproute2',
  'netplan.io',
  'cloud-init',
  'cloud-guest-utils',
  'openssh-server',
  'sudo',
];

/** By these the root is found; all others udev loads from it. */
const earlyModules = ['virtio_pci', 'virtio_blk', 'ext4'];

/** What takes time at a boot, and what would disturb a first one minutes later. */
const masked = [
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'fstrim.timer'],
  ...['e2scrub_all.timer', 'e2scrub_reap.service', 'getty@tty1.service', 'systemd-timesyncd.service'],
];

export const rootLabel = 'root';

const files: Readonly<Record<string, string>> = {
  'etc/hostname': 'debian\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/fstab': `LABEL=${rootLabel} / ext4 defaults,noatime 0 0\n`,
  'etc/default/locale': 'LANG=C.UTF-8\n',
  // Each machine makes its own at its first boot.
  'etc/machine-id': '',
};

/** @param root is made @throws CommandFailed, as when the Debian archive cannot be reached */
export async function makeDebianRoot(suite: Suite, root: string, signal: AbortSignal): Promise<void> {
  const initramfs = '"$1/etc/initramfs-tools"';
  const options = [
    '--aptopt=APT::Install-Recommends "false"',
    ...['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    // It is thrown away when it is not finished: nothing is to be saved from a power cut.
    '--dpkgopt=force-unsafe-io',
    // Before the kernel comes and has its initramfs made.
    `--setup-hook=mkdir -p ${initramfs}/conf.d`,
    `--setup-hook=echo MODULES=list >${initramfs}/conf.d/small`,
    `--setup-hook=printf '%s\\n' ${earlyModules.join(' ')} >${initramfs}/modules`,
    `--include=${packages.join(',')}`,
  ];
  // Its /proc and /sys are mounted where nobody else sees them, and go with it.
  const apart = ['unshare', '--mount', '--propagation', 'private'];
  const debootstrap = ['mmdebstrap', '--quiet', '--mode=root', '--variant=minbase', '--format=directory', ...options];
  await run([...apart, 'nice', ...debootstrap, suite, root], { signal, timeoutMs: 1_200_000 });
  await furnish(root, signal);
}

async function furnish(root: string, signal: AbortSignal): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await symlink('../run/systemd/resolve/stub-resolv.conf', join(root, 'etc/resolv.conf'));
  // One key that all share proves nothing: cloud-init makes those of each guest.
  for (const name of await readdir(join(root, 'etc/ssh')))
    if (name.startsWith('ssh_host_')) await rm(join(root, 'etc/ssh', name));
  await run(['systemctl', `--root=${root}`, 'enable', 'systemd-networkd.service'], { signal });
  await run(['systemctl', `--root=${root}`, 'mask', ...masked], { signal });
  for (const directory of ['var/cache/apt', 'var/lib/apt/lists']) {
    await rm(join(root, directory), { recursive: true, force: true });
    await mkdir(join(root, directory, 'partial'), { recursive: true });
  }
}
