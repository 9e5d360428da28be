/**
 * What a build script sees and may do: the argument vector of bwrap(1), which starts it. It is root, with the capabilities that
 * installing a system into a directory needs and without those that would let it mount, load modules, see other processes or
 * change the network. Pure.
 * @module
 */

/** A disk, where it is on the node. */
export interface ShownDisk {
  readonly target: string;
  /** A plain file whose bytes are those of the volume. */
  readonly file: string;
  /** The block device that is mounted (`/dev/loop3`); undefined: the disk is not mounted. */
  readonly device: string | undefined;
}

export interface Confinement {
  /** The script, a file of the node. */
  readonly script: string;
  /** The guest's directory tree, a directory of the node. */
  readonly tree: string;
  /** Whether the tree is one to change the root to: a disk is mounted at `/`. */
  readonly hasRoot: boolean;
  readonly disks: readonly ShownDisk[];
  readonly network: boolean;
  readonly hostname: string;
}

/** Where the script finds things. */
export const inside = { script: '/script', tree: '/target', disks: '/disks', scratch: '/tmp' } as const;

/** The path of a disk, as the script has it. */
export const devicePath = ({ target, device }: Omit<ShownDisk, 'file'>): string =>
  device ?? `${inside.disks}/${target}`;

/**
 * Those of files and users, and chroot(2). MKNOD is for archives with device nodes: on what the script can write to they
 * open nothing (nodev). All else is dropped, and with "no new privileges", which bwrap sets, nothing comes back.
 */
const capabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'SETFCAP', 'MKNOD'],
  ...['KILL', 'SETGID', 'SETUID', 'SYS_CHROOT'],
] as const;

/** What programs look up, and holds no secrets. */
const settings = [
  ...['alternatives', 'group', 'host.conf', 'hosts', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime'],
  ...['mke2fs.conf', 'nsswitch.conf', 'passwd', 'resolv.conf', 'services', 'ssl/certs', 'ssl/openssl.cnf'],
] as const;

const scratchBytes = 1024 ** 3;
const smallBytes = 16 * 1024 ** 2;

const tmpfs = (path: string, bytes: number): string[] => ['--size', String(bytes), '--tmpfs', path];
const same = (path: string): [string, string] => [path, path];

/**
 * /proc is read-only, both of them: to the kernel root may write to /proc/sys without any capability, and with it, say, name a program that
 * the node runs as root (core(5)). bwrap would leave it so.
 */
export function confinedArgv(one: Confinement): [string, ...string[]] {
  const { script, tree, hasRoot, disks, network, hostname } = one;
  const mounted = disks.flatMap(({ device }) => (device === undefined ? [] : [device]));
  const plain = disks.filter(({ device }) => device === undefined);
  const { tree: target } = inside;
  return [
    'bwrap',
    ...['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    ...(network ? [] : ['--unshare-net']),
    ...['--hostname', hostname, '--die-with-parent', '--new-session'],
    ...['--cap-drop', 'ALL', ...capabilities.flatMap((name) => ['--cap-add', `CAP_${name}`])],
    ...['--ro-bind', ...same('/usr')],
    ...['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...settings.flatMap((name) => ['--ro-bind-try', ...same(`/etc/${name}`)]),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...mounted.flatMap((device) => ['--dev-bind', ...same(device)]),
    ...[...tmpfs(inside.scratch, scratchBytes), ...tmpfs('/run', smallBytes), ...tmpfs('/var', smallBytes)],
    ...['--dir', '/var/tmp', '--bind', tree, target],
    // What packages' own scripts, which run with the tree as their root, expect of a system.
    ...(hasRoot ? ['--proc', `${target}/proc`, '--dev', `${target}/dev`] : []),
    ...(hasRoot ? mounted.flatMap((device) => ['--dev-bind', device, `${target}${device}`]) : []),
    ...plain.flatMap(({ target: name, file }) => ['--bind', file, `${inside.disks}/${name}`]),
    ...['--ro-bind', script, inside.script],
    ...['/', '/proc', ...(hasRoot ? [`${target}/proc`] : [])].flatMap((path) => ['--remount-ro', path]),
    ...['--chdir', inside.scratch, '--', inside.script],
  ];
}
