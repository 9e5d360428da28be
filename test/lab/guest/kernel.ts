/**
 * The kernel of the small guest: Debian's own cloud kernel, taken out of its package without installing it.
 * @module
 */
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from '../run.ts';

/**
 * The package that always depends on the current kernel: that for virtual machines, which is small, or the whole one.
 */
type MetaPackage = 'linux-image-cloud-amd64' | 'linux-image-amd64';

/** Drivers that a guest may need for its console, disks, NICs and power button; the rest of the package is left out. */
const guestModules: readonly string[] = [
  'virtio_pci',
  'virtio_blk',
  'virtio_scsi',
  'virtio_net',
  'virtio_console',
  'virtio_balloon',
  'virtio_rng',
  'button',
  'evdev',
  'sd_mod',
  'sr_mod',
  'ata_piix',
  'isofs',
  'vfat',
  'nls_cp437',
  'nls_ascii',
  'pvpanic_pci',
  // What libvirt calls the ISA model is an ACPI device to the guest.
  'pvpanic_mmio',
];

export interface GuestKernel {
  /** For example linux-image-6.1.0-49-cloud-amd64. */
  readonly packageName: string;
  readonly vmlinuz: string;
  /** Module files, each after the ones it needs. */
  readonly modules: readonly string[];
  /** What /lib/modules is where it runs. */
  readonly modulesDirectory: string;
}

/**
 * Downloads the kernel package into `directory` and unpacks it there.
 * @param wanted names of the modules that are to be told, with those that they need
 * @throws CommandFailed when the archive cannot be reached; Error when the package lacks a wanted driver
 */
export async function fetchKernel(
  directory: string,
  signal?: AbortSignal,
  metaPackage: MetaPackage = 'linux-image-cloud-amd64',
  wanted: readonly string[] = guestModules,
): Promise<GuestKernel> {
  await mkdir(directory, { recursive: true });
  const packageName = await currentKernelPackage(metaPackage, signal);
  // apt would drop to the user _apt, who cannot write here.
  await run(['apt-get', '-o', 'APT::Sandbox::User=root', 'download', packageName], { cwd: directory, signal });
  const deb = (await readdir(directory)).find((name) => name.startsWith(`${packageName}_`) && name.endsWith('.deb'));
  if (deb === undefined) throw new Error(`apt-get download ${packageName} left no package in ${directory}`);
  const tree = join(directory, 'tree');
  await run(['dpkg-deb', '-x', join(directory, deb), tree], { signal });
  const modulesDirectory = join(tree, 'lib/modules');
  const release = (await readdir(modulesDirectory))[0];
  if (release === undefined) throw new Error(`${deb} holds no kernel modules`);
  return {
    packageName,
    vmlinuz: join(tree, 'boot', `vmlinuz-${release}`),
    modules: await inLoadOrder(join(modulesDirectory, release), wanted, signal),
    modulesDirectory,
  };
}

/** Which package the meta package points at; asks for fresh package lists when this machine has none. */
async function currentKernelPackage(metaPackage: MetaPackage, signal?: AbortSignal): Promise<string> {
  const ask = async () => {
    const { stdout } = await run(['apt-cache', 'depends', metaPackage], { signal, accept: 'any' });
    return /Depends: (linux-image-\d\S*)/.exec(stdout)?.[1];
  };
  const known = await ask();
  if (known !== undefined) return known;
  await run(['apt-get', 'update'], { signal, timeoutMs: 300_000 });
  const found = await ask();
  if (found === undefined) throw new Error(`the Debian archive that apt knows has no package ${metaPackage}`);
  return found;
}

/** The wanted modules and all that they need, dependencies first, as `modinfo` tells them. */
async function inLoadOrder(
  modulesDirectory: string,
  wanted: readonly string[],
  signal?: AbortSignal,
): Promise<string[]> {
  const files = new Map<string, string>();
  for (const entry of await readdir(modulesDirectory, { recursive: true })) {
    if (entry.endsWith('.ko')) files.set(moduleName(entry), join(modulesDirectory, entry));
  }
  const order: string[] = [];
  const visit = async (name: string): Promise<void> => {
    const file = files.get(name);
    if (file === undefined) throw new Error(`the kernel package has no module ${name}`);
    if (order.includes(file)) return;
    const { stdout } = await run(['modinfo', '-F', 'depends', file], { signal });
    for (const needed of stdout.trim().split(',')) if (needed !== '') await visit(moduleName(needed));
    order.push(file);
  };
  for (const name of wanted) await visit(name);
  return order;
}

/** The kernel takes `-` and `_` in a module's name for the same. */
const moduleName = (file: string): string => basename(file, '.ko').replaceAll('-', '_');
