/**
 * The root file system of the small guest: busybox, the drivers and the scripts in `root/`, packed as
 * an initramfs ("newc" cpio, the kernel's Documentation/driver-api/early-userspace/buffer-format).
 * @module
 */
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run } from '../run.ts';

const busybox = '/bin/busybox';

export interface InitrdParts {
  /** The directory of this repository that holds the guest's own scripts. */
  readonly root: string;
  readonly modules: readonly string[];
  /** Scratch space for the tree. */
  readonly tree: string;
  readonly output: string;
}

/** @throws Error when busybox is not the static build; CommandFailed from cpio */
export async function packInitrd(parts: InitrdParts, signal?: AbortSignal): Promise<void> {
  const { tree } = parts;
  await rm(tree, { recursive: true, force: true });
  await cp(parts.root, tree, { recursive: true });
  for (const directory of ['dev', 'proc', 'sys', 'run', 'tmp', 'mnt', 'var/log', 'var/run', 'lib/modules']) {
    await mkdir(join(tree, directory), { recursive: true });
  }
  await makeExecutable(tree);

  const { stdout: owner } = await run(['dpkg-query', '-S', busybox], { signal, accept: 'any' });
  if (!owner.startsWith('busybox-static:'))
    throw new Error(`${busybox} is not the static one: install the package busybox-static`);
  await copyFile(busybox, join(tree, 'bin/busybox'));
  const { stdout: applets } = await run([busybox, '--list'], { signal });
  const own = new Set(await readdir(join(tree, 'bin')));
  for (const applet of applets.trim().split('\n')) {
    if (!own.has(applet)) await symlink('busybox', join(tree, 'bin', applet));
  }
  await symlink('bin/busybox', join(tree, 'init'));
  await symlink('bin', join(tree, 'sbin'));

  for (const file of parts.modules) await copyFile(file, join(tree, 'lib/modules', basename(file)));
  await writeFile(join(tree, 'lib/modules/load-order'), parts.modules.map((file) => `${basename(file)}\n`).join(''));

  await packTree(tree, parts.output, signal);
}

/** @throws CommandFailed from cpio */
export async function packTree(tree: string, output: string, signal?: AbortSignal): Promise<void> {
  const archive = `${output}.cpio`;
  const names = (await readdir(tree, { recursive: true })).sort();
  await run(['cpio', '--create', '--format=newc', '--reproducible', '--quiet', '--owner=0:0', '--file', archive], {
    cwd: tree,
    input: `${['.', ...names].join('\n')}\n`,
    signal,
  });
  await writeFile(output, gzipSync(await readFile(archive), { level: 9 }));
  await rm(archive);
}

/** Every script, whatever mode the checkout gave it. */
async function makeExecutable(tree: string): Promise<void> {
  for (const directory of ['bin', 'etc/init.d', 'etc/acpi/PWRF', 'usr/share/udhcpc']) {
    for (const name of await readdir(join(tree, directory))) await chmod(join(tree, directory, name), 0o755);
  }
}
