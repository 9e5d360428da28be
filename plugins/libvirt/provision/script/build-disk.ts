/** The disks of a guest as its build script gets them: what is made on them, where they are, what the guest's fstab says. Pure. @module */
import { z } from '../../../../core/plugin/api.ts';
import { type fileSystems, templateDisk } from '../storage-template.ts';

type FileSystem = (typeof fileSystems)[number];

/** What is known of a disk when the guest is planned. */
export const buildDisk = z.strictObject({
  /** In the guest: `vda`. */
  target: z.string(),
  filesystem: templateDisk.shape.filesystem,
  mountpoint: templateDisk.shape.mountpoint,
});

/** One with a file system, which has this UUID. */
export interface MadeDisk extends z.output<typeof buildDisk> {
  readonly volume: string;
  readonly sizeBytes: number;
  /** Undefined: no file system is made on it. */
  readonly uuid: string | undefined;
}

type Argv = readonly [string, ...string[]];

/** A volume that is new reads as zeros: nothing has to be discarded or cleared. */
const makers: Readonly<Record<FileSystem, (uuid: string, file: string) => Argv>> = {
  ext4: (uuid, file) => [
    ...(['mkfs.ext4', '-q', '-F', '-E', 'nodiscard,assume_storage_prezeroed=1'] as const),
    ...['-U', uuid, file],
  ],
  xfs: (uuid, file) => ['mkfs.xfs', '-q', '-f', '-K', '-m', `uuid=${uuid}`, file],
  btrfs: (uuid, file) => ['mkfs.btrfs', '-q', '-f', '-K', '-U', uuid, file],
  swap: (uuid, file) => ['mkswap', '-U', uuid, file],
};

export const makeFileSystem = (filesystem: FileSystem, uuid: string, file: string): Argv =>
  makers[filesystem](uuid, file);

/** The disks that are mounted, what is mounted in another after it. */
export const mountOrder = <D extends { readonly mountpoint?: string | undefined }>(
  disks: readonly D[],
): (D & { readonly mountpoint: string })[] =>
  disks
    .filter((disk): disk is D & { readonly mountpoint: string } => disk.mountpoint !== undefined)
    .toSorted((a, b) => depth(a.mountpoint) - depth(b.mountpoint));

const depth = (path: string): number => path.split('/').filter((part) => part !== '').length;

/** What the guest mounts at its boots: fstab(5). */
export function fstabOf(disks: readonly MadeDisk[]): string {
  const swaps = disks.filter(({ filesystem }) => filesystem === 'swap');
  const lines = [
    ...mountOrder(disks).map(({ uuid, mountpoint, filesystem }) =>
      // Only ext4 is looked through at a boot; the others look after themselves.
      [`UUID=${uuid}`, mountpoint, filesystem, 'defaults', '0', passOf(mountpoint, filesystem)].join(' '),
    ),
    ...swaps.map(({ uuid }) => `UUID=${uuid} none swap sw 0 0`),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function passOf(mountpoint: string, filesystem: string | undefined): string {
  if (filesystem !== 'ext4') return '0';
  return mountpoint === '/' ? '1' : '2';
}
