/** A root of Debian in a directory, as images and installers are made of. @module */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inRepository } from '../paths.ts';

export const suite = 'bookworm';

/** Seconds since 1970 that stand for all times in what is built (reproducible-builds.org/specs/source-date-epoch). */
function sourceDate(): string {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) {
    if (!/^\d{1,11}$/.test(given)) throw new Error(`SOURCE_DATE_EPOCH is no number of seconds: ${given}`);
    return given;
  }
  return execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: inRepository('.'), encoding: 'utf8' }).trim();
}

const environment = { ...process.env, SOURCE_DATE_EPOCH: sourceDate(), LC_ALL: 'C.UTF-8' };

/** @throws Error when it fails */
export const run = (file: string, args: readonly string[]): void =>
  void execFileSync(file, args, { env: environment, stdio: ['ignore', 'inherit', 'inherit'] });

/** SHA-256 of a file, hexadecimal. */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path) as AsyncIterable<Buffer>) hash.update(piece);
  return hash.digest('hex');
}

/** Debian with these packages, in a directory. @param mirror of Debian's archive; the building machine's own unless given */
export function debootstrap(root: string, packages: readonly string[], mirror: string | undefined): void {
  // Its /proc and /sys are mounted where nobody else sees them: what is left when it is killed can be removed without
  // reaching those of this machine.
  run('unshare', [
    ...['--mount', '--propagation', 'private', 'mmdebstrap'],
    ...['--quiet', '--mode=root', '--variant=minbase', '--format=directory'],
    '--aptopt=APT::Install-Recommends "false"',
    ...['doc', 'man', 'locale', 'info'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    // Licences stay: what is built is given to others.
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    // Packages that bring alternatives of manual pages want the places of those (openjdk).
    '--essential-hook=mkdir -p "$1/usr/share/man/man1"',
    // It is thrown away when it is not finished: nothing is to be saved from a power cut.
    '--dpkgopt=force-unsafe-io',
    `--include=${[...new Set(packages)].sort().join(',')}`,
    ...[suite, root],
    ...(mirror === undefined ? [] : [mirror]),
  ]);
}

/** Takes out what is the building machine's, what no two servers may share, and what would differ from one build to the next. */
export async function neutralise(root: string, hostName: string): Promise<void> {
  await writeFile(join(root, 'etc/hostname'), `${hostName}\n`);
  await writeFile(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n');
  // Not that of the machine that built it, which mmdebstrap leaves there.
  await rm(join(root, 'etc/resolv.conf'), { force: true });
  await writeFile(join(root, 'etc/resolv.conf'), '');
  // Each server makes its own at its boot (ssh.service.d/keys.conf): one that all share proves nothing.
  for (const name of await readdir(join(root, 'etc/ssh')))
    if (name.startsWith('ssh_host_')) await rm(join(root, 'etc/ssh', name));
  for (const path of ['var/cache/ldconfig/aux-cache', 'var/cache/apt', 'var/lib/apt/lists'])
    await rm(join(root, path), { recursive: true, force: true });
  for (const path of ['var/cache/apt', 'var/lib/apt/lists']) await mkdir(join(root, path), { recursive: true });
  // The directories stay: they belong to the users of their services.
  for (const entry of await readdir(join(root, 'var/log'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await rm(join(entry.parentPath, entry.name));
}

/** Level 15, which mksquashfs takes by itself, takes minutes more and saves some per cent. @param leaveOut patterns of what is not packed */
export const squash = (root: string, file: string, leaveOut: readonly string[]): void =>
  run('mksquashfs', [
    ...[root, file, '-quiet', '-no-progress', '-noappend'],
    ...['-comp', 'zstd', '-Xcompression-level', '6'],
    ...(leaveOut.length === 0 ? [] : ['-wildcards', '-e', ...leaveOut]),
  ]);

/** The one entry of a directory that begins so. @throws Error when there is none, or more */
export async function only(directory: string, prefix: string): Promise<string> {
  const [found, ...more] = (await readdir(directory)).filter((name) => name.startsWith(prefix));
  if (found === undefined || more.length > 0) throw new Error(`one ${prefix}… was expected in ${directory}`);
  return found;
}
