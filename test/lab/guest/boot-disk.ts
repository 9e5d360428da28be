/**
 * The small guest as a disk and as a CD that boot by themselves: a FAT volume with SYSLINUX, made by
 * mtools without a loop device, and an ISO image with ISOLINUX. Both start the same kernel and initramfs.
 * @module
 */
import { copyFile, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';

const diskSizeMiB = 64;

/**
 * Kernel messages go to the screen and to the serial port; the last console is where `/dev/console` is. Notices are shown
 * until the first program runs, so that the kernel's own first line tells when it was started.
 */
const bootConfiguration = `default guest
prompt 0
label guest
  kernel vmlinuz
  initrd initrd
  append console=tty0 console=ttyS0 loglevel=6
`;

export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
  /** Scratch space. */
  readonly work: string;
}

/** A raw image without a partition table: its first sector is SYSLINUX's boot sector. @throws CommandFailed */
export async function makeBootDisk(files: BootFiles, output: string, signal?: AbortSignal): Promise<void> {
  await mkdir(files.work, { recursive: true });
  const configuration = join(files.work, 'syslinux.cfg');
  await writeFile(configuration, bootConfiguration);
  await rm(output, { force: true });
  await writeFile(output, '');
  await truncate(output, diskSizeMiB * 1024 * 1024);
  // mtools trips over a volume whose size does not match a geometry of its own; we give a round one and skip that check.
  const env = { ...process.env, MTOOLS_SKIP_CHECK: '1' };
  const cylinders = String(diskSizeMiB);
  await run(['mformat', '-i', output, '-t', cylinders, '-h', '64', '-s', '32', '-v', 'PVCGUEST', '::'], {
    env,
    signal,
  });
  for (const [from, to] of [
    [files.kernel, 'vmlinuz'],
    [files.initrd, 'initrd'],
    [configuration, 'syslinux.cfg'],
  ] as const) {
    await run(['mcopy', '-i', output, from, `::${to}`], { env, signal });
  }
  await run(['syslinux', '--install', output], { env, signal });
}

/** A bootable ISO 9660 image (El Torito, no emulation). @throws CommandFailed */
export async function makeBootCd(files: BootFiles, output: string, signal?: AbortSignal): Promise<void> {
  const tree = join(files.work, 'cd');
  await mkdir(tree, { recursive: true });
  await copyFile(files.kernel, join(tree, 'vmlinuz'));
  await copyFile(files.initrd, join(tree, 'initrd'));
  await copyFile('/usr/lib/ISOLINUX/isolinux.bin', join(tree, 'isolinux.bin'));
  await copyFile('/usr/lib/syslinux/modules/bios/ldlinux.c32', join(tree, 'ldlinux.c32'));
  await writeFile(join(tree, 'isolinux.cfg'), bootConfiguration);
  const bootOptions = '-b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table'.split(' ');
  await run(['genisoimage', '-quiet', '-V', 'PVCGUEST', '-o', output, ...bootOptions, '-J', '-r', tree], { signal });
}
