/**
 * Disk images in files of a node, by `qemu-img`: what form they have, whether they are whole, and their way into an RBD
 * image and out of it. A file of unknown origin may name other files (a backing file, extents), which would be read with
 * all rights; such files are refused.
 * @module
 */
import { type Host, z } from '../../../core/plugin/api.ts';
import { type CallOptions, type CephCommand, complaint, parsed } from '../command/ceph-command.ts';
import { volumeBytes, volumeError } from './volume-kind.ts';

/** `qemu-img`'s words: VirtualBox's is vdi, Hyper-V's are vhdx and vpc (which others call vhd). */
export const diskFormat = z.enum(['raw', 'qcow2', 'vmdk', 'vdi', 'vhdx', 'vpc']);
export type DiskFormat = z.infer<typeof diskFormat>;

export interface DiskFile {
  readonly path: string;
  readonly format: DiskFormat;
  /** As the guest sees it. */
  readonly sizeBytes: number;
  /** Why it cannot become a volume; none: it can. */
  readonly problem: string | undefined;
}

const inspectTimeoutMs = 120_000;
const sector = 512;

const info = z.looseObject({
  format: z.string(),
  'virtual-size': z.number(),
  'backing-filename': z.string().optional(),
  'format-specific': z
    .looseObject({
      data: z.looseObject({ 'data-file': z.string().optional(), 'create-type': z.string().optional() }).optional(),
    })
    .optional(),
});
type Info = z.infer<typeof info>;

const check = z.looseObject({
  'image-end-offset': z.number().optional(),
  corruptions: z.number().optional(),
  'check-errors': z.number().optional(),
});

/** The kinds of VMDK that are one file; the others name their extents (vmdk.c, `createType`). */
const vmdkOfOneFile = ['monolithicSparse', 'streamOptimized'];

function namesOthers(found: Info): string | undefined {
  const data = found['format-specific']?.data;
  if (found['backing-filename'] !== undefined)
    return `it is a difference to another file (${found['backing-filename']})`;
  if (data?.['data-file'] !== undefined) return `its data lies in another file (${data['data-file']})`;
  if (found.format === 'vmdk' && !vmdkOfOneFile.includes(data?.['create-type'] ?? ''))
    return `it is a VMDK of several files (${data?.['create-type'] ?? 'unknown'}); export it as one`;
  return undefined;
}

type Parts = Pick<Host, 'processes' | 'files'>;

/** Without a word about its form, raw must be recognisable as a disk: any file at all could be taken for one. */
async function looksLikeDisk({ processes, files }: Parts, path: string): Promise<boolean> {
  if (((await files.stat(path))?.size ?? 0) % sector !== 0) return false;
  // 0: it found a partition table or a file system; 2: nothing (blkid(8)).
  return (await processes.exec(['blkid', '-p', path], { timeoutMs: inspectTimeoutMs })).code === 0;
}

/**
 * Bytes that a VDI must have: `qemu-img check` does not look. Header as in QEMU's block/vdi.c: offset of the data at 0x158,
 * size of a block at 0x178, number of blocks that lie in the file at 0x184.
 */
async function vdiBytes(files: Parts['files'], path: string): Promise<number> {
  const bytes = (await files.readSlice(path, 0, 0x200)) ?? new Uint8Array(0);
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return header.getUint32(0x158, true) + header.getUint32(0x178, true) * header.getUint32(0x184, true);
}

const cutOff = (wanted: number, size: number): string | undefined =>
  wanted <= size ? undefined : `it is cut off: it should have ${wanted} bytes and has ${size}`;

/** What qemu-img finds wrong with the structure of a file, truncation with it. */
async function damage({ processes, files }: Parts, path: string, format: DiskFormat): Promise<string | undefined> {
  if (format === 'raw' || format === 'vpc') return undefined;
  const size = (await files.stat(path))?.size ?? 0;
  const result = await processes.exec(['qemu-img', 'check', '-f', format, '--output', 'json', path], {
    timeoutMs: inspectTimeoutMs,
  });
  if (result.stdout.trim() === '') return complaint(result).replace(/\.$/, '');
  const found = parsed(check, 'qemu-img check', result.stdout);
  if ((found.corruptions ?? 0) > 0 || (found['check-errors'] ?? 0) > 0)
    return `it is damaged: ${found.corruptions ?? 0} places are wrong`;
  // What lies beyond the end of the file would be read as zeros without a word.
  return cutOff(format === 'vdi' ? await vdiBytes(files, path) : (found['image-end-offset'] ?? 0), size);
}

/**
 * Looks at a file without writing anything.
 * @param node for messages
 * @param wanted its form; undefined: found out
 * @throws PvcError DISK_FILE_UNFIT when it cannot be read at all
 */
export async function inspectDiskFile(
  host: Parts,
  node: string,
  path: string,
  wanted: DiskFormat | undefined,
): Promise<DiskFile> {
  const unfit = (reason: string) => volumeError('DISK_FILE_UNFIT', { path, node, reason });
  const stat = await host.files.stat(path);
  if (stat === undefined) throw unfit('there is no such file');
  if (stat.kind !== 'file') throw unfit(`it is no file but a ${stat.kind}`);
  if (stat.size === 0) throw unfit('it is empty');
  const result = await host.processes.exec(
    ['qemu-img', 'info', '--output', 'json', ...(wanted === undefined ? [] : ['-f', wanted]), path],
    { timeoutMs: inspectTimeoutMs },
  );
  if (result.code !== 0) throw unfit(complaint(result).replace(/\.$/, ''));
  const found = parsed(info, 'qemu-img info', result.stdout);
  const format = diskFormat.safeParse(found.format);
  if (!format.success) throw unfit(`its form ${found.format} is none of ${diskFormat.options.join(', ')}`);
  const file = { path, format: format.data, sizeBytes: Math.ceil(found['virtual-size'] / sector) * sector };
  const problem =
    namesOthers(found) ??
    (format.data === 'raw' && wanted === undefined && !(await looksLikeDisk(host, path))
      ? 'it is no disk image that can be recognised; if it is a raw disk, say so with --disk-format raw'
      : undefined) ??
    (volumeBytes.safeParse(file.sizeBytes).success ? undefined : `its size of ${file.sizeBytes} bytes cannot be had`) ??
    (await damage(host, path, format.data));
  return { ...file, problem };
}

/** @throws PvcError DISK_FILE_UNFIT */
export function needDiskFile(node: string, { path, problem }: DiskFile): void {
  if (problem !== undefined) throw volumeError('DISK_FILE_UNFIT', { path, node, reason: problem });
}

/** Copies in parallel and in any order, which RBD gains from; 16 is the most that qemu-img takes. */
const parallel = ['-W', '-m', '16'];

/** Copies a file into an image that is there, has its size and was never written to. */
export async function convertToImage(
  ceph: CephCommand,
  { path, format }: DiskFile,
  image: string,
  options: CallOptions,
): Promise<void> {
  await ceph.run(
    `the copy of ${path} to ${image}`,
    [
      ...(['qemu-img', 'convert', '-p', ...parallel, '-n', '--target-is-zero'] as const),
      ...['-f', format, '-O', 'raw', path, `rbd:${image}`],
    ],
    options,
  );
}

/** Copies an image, or a snapshot of it (`pool/name@snapshot`), into a file, which is overwritten. */
export async function convertToFile(
  ceph: CephCommand,
  image: string,
  path: string,
  format: DiskFormat,
  options: CallOptions,
): Promise<void> {
  await ceph.run(
    `the copy of ${image} to ${path}`,
    [
      ...(['qemu-img', 'convert', '-p', ...(format === 'raw' ? parallel : [])] as const),
      ...['-f', 'raw', '-O', format, `rbd:${image}`, path],
    ] as [string, ...string[]],
    options,
  );
}
