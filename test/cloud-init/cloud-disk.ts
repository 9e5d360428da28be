/**
 * The disk of a cloud's Debian, built once and kept: `.cache/cloud-init/<release>-<hash of what it is made from>/`. It boots by itself from
 * BIOS: a boot record, a FAT partition with SYSLINUX, kernel and initramfs, and the root in the last partition, where it can grow.
 * Made without a loop device.
 * @module
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, open, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../lab/repository.ts';
import { run } from '../lab/run.ts';
import { bootRecordOf, type Partition } from './boot-record.ts';
import { makeDebianRoot, rootLabel, type Suite } from './debian-root.ts';

const MiB = 1024 * 1024;
/** Of SYSLINUX: looks for the active partition and starts what is in its first sector. */
const bootCode = '/usr/lib/syslinux/mbr/mbr.bin';
const bootPartition: Partition = { type: 0x0e, startMiB: 1, sizeMiB: 63, active: true };
const rootPartition: Partition = { type: 0x83, startMiB: 64, sizeMiB: 576, active: false };

/** The last console is where programs write that do not know better: to the log that PVC keeps. */
const bootConfiguration = `default debian
prompt 0
label debian
  kernel vmlinuz
  initrd initrd
  append root=LABEL=${rootLabel} rw console=tty0 console=ttyS0 quiet
`;

/** @returns the path of the disk, qcow2 @param onBuild called when there is none in the cache; needs the Debian archive then */
export async function cloudDisk(suite: Suite, signal: AbortSignal, onBuild: () => void): Promise<string> {
  const cache = join(repository, '.cache/cloud-init');
  const directory = join(cache, `${suite}-${await recipeHash()}`);
  const disk = join(directory, 'debian.qcow2');
  if (await exists(disk)) return disk;
  onBuild();
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'build-'));
  try {
    const root = join(work, 'root');
    const made = join(work, 'made');
    await mkdir(made);
    await makeDebianRoot(suite, root, signal);
    const raw = join(work, 'debian.img');
    await assemble(root, raw, work, signal);
    await run(['qemu-img', 'convert', '-O', 'qcow2', raw, join(made, 'debian.qcow2')], { signal });
    await rm(directory, { recursive: true, force: true });
    await rename(made, directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return disk;
}

async function assemble(root: string, disk: string, work: string, signal: AbortSignal): Promise<void> {
  const boot = join(work, 'boot');
  await mkdir(boot);
  for (const [prefix, name] of [
    ['vmlinuz-', 'vmlinuz'],
    ['initrd.img-', 'initrd'],
  ] as const)
    await rename(await only(join(root, 'boot'), prefix), join(boot, name));
  await writeFile(join(boot, 'syslinux.cfg'), bootConfiguration);
  await writeFile(disk, '');
  await truncate(disk, (rootPartition.startMiB + rootPartition.sizeMiB) * MiB);

  const startBytes = bootPartition.startMiB * MiB;
  const fat = `${disk}@@${startBytes}`;
  // mtools trips over a volume whose size does not match a geometry of its own.
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1' };
  const geometry = ['-t', String(bootPartition.sizeMiB), '-h', '64', '-s', '32'];
  const hidden = ['-H', String(startBytes / 512)];
  await run(['mformat', '-i', fat, ...geometry, ...hidden, '-v', 'BOOT', '::'], { env, signal });
  for (const name of await readdir(boot))
    await run(['mcopy', '-i', fat, join(boot, name), `::${name}`], { env, signal });
  await run(['syslinux', '--install', '--offset', String(startBytes), disk], { env, signal });

  const place = ['-E', `offset=${rootPartition.startMiB * MiB}`];
  const size = `${rootPartition.sizeMiB}M`;
  await run(['mke2fs', '-q', '-t', 'ext4', '-L', rootLabel, ...place, '-d', root, disk, size], {
    signal,
    timeoutMs: 300_000,
  });
  const record = bootRecordOf(await readFile(bootCode), [bootPartition, rootPartition]);
  const file = await open(disk, 'r+');
  try {
    await file.write(record, 0, record.length, 0);
  } finally {
    await file.close();
  }
}

/** Over the files that say what it is made from, and how. */
async function recipeHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of ['boot-record.ts', 'cloud-disk.ts', 'debian-root.ts'])
    hash.update(await readFile(join(import.meta.dirname, name)));
  return hash.digest('hex').slice(0, 16);
}

async function only(directory: string, prefix: string): Promise<string> {
  const [found, ...more] = (await readdir(directory)).filter((name) => name.startsWith(prefix));
  if (found === undefined || more.length > 0) throw new Error(`one ${prefix}… was expected in ${directory}`);
  return join(directory, found);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
