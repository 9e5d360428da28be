/**
 * What an image holds in a snapshot, all of it or what is new since an earlier one, as a stream in Ceph's own form
 * (doc/dev/rbd-diff.rst, version 1): it begins with the names of the snapshots and the size of the image.
 * @module
 */
import type { CallOptions, CephCommand } from '../command/ceph-command.ts';

export interface DiffHead {
  /** None: it holds everything. */
  readonly since: string | undefined;
  readonly snapshot: string;
  readonly sizeBytes: number;
}

const magic = 'rbd diff v1\n';
/** Kind of record, offset and length stand before each piece of data. */
const recordBytes = 17;

const from = (since: string | undefined): string[] => (since === undefined ? [] : ['--from-snap', since]);

/** Reads the beginning of a stream; undefined when it is none. Pure. */
export function readDiffHead(bytes: Uint8Array): DiffHead | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.toString('latin1', 0, magic.length) !== magic) return undefined;
  let since: string | undefined;
  let snapshot: string | undefined;
  for (let at = magic.length; at + 9 <= data.length; ) {
    const kind = String.fromCharCode(data[at] ?? 0);
    if (kind === 's' && snapshot !== undefined)
      return { since, snapshot, sizeBytes: Number(data.readBigUInt64LE(at + 1)) };
    if (kind !== 'f' && kind !== 't') return undefined;
    const end = at + 5 + data.readUInt32LE(at + 1);
    const name = data.toString('utf8', at + 5, end);
    if (kind === 'f') since = name;
    else snapshot = name;
    at = end;
  }
  return undefined;
}

/** How long the stream will be, at most: parts that hold nothing but zeros are left out of it. */
export async function diffBytes(
  ceph: CephCommand,
  image: string,
  head: Omit<DiffHead, 'sizeBytes'>,
  options: CallOptions,
): Promise<number> {
  let bytes = magic.length + head.snapshot.length + (head.since?.length ?? 0) + 3 * recordBytes;
  let rest = '';
  const takeOutput = async (piece: Uint8Array): Promise<void> => {
    const lines = `${rest}${Buffer.from(piece).toString('latin1')}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, length, kind] = /^\d+\s+(\d+)\s+(data|zero)\s*$/.exec(line) ?? [];
      if (length !== undefined) bytes += recordBytes + (kind === 'data' ? Number(length) : 0);
    }
  };
  const source = `${image}@${head.snapshot}`;
  await ceph.rbd(`what is new in ${source}`, ['diff', ...from(head.since), source], { ...options, takeOutput });
  return bytes;
}

/** Gives the stream. @throws PvcError CEPH_AWAY, CEPH_REFUSED; what `take` throws */
export async function exportDiff(
  ceph: CephCommand,
  image: string,
  { since, snapshot }: Omit<DiffHead, 'sizeBytes'>,
  options: CallOptions & { readonly takeOutput: (piece: Uint8Array) => Promise<void> },
): Promise<void> {
  const source = `${image}@${snapshot}`;
  await ceph.rbd(`the export of ${source}`, ['export-diff', '--no-progress', ...from(since), source, '-'], options);
}

/** Gives all bytes of an image as of a snapshot. @throws PvcError CEPH_AWAY, CEPH_REFUSED; what `take` throws */
export async function exportWhole(
  ceph: CephCommand,
  image: string,
  snapshot: string,
  options: CallOptions & { readonly takeOutput: (piece: Uint8Array) => Promise<void> },
): Promise<void> {
  const source = `${image}@${snapshot}`;
  await ceph.rbd(`the export of ${source}`, ['export', '--no-progress', source, '-'], options);
}

/**
 * Writes a stream into an image, which must have the snapshot that the stream builds on; it then has the other one too,
 * and the size that it had. Through a pipe: the command ends by itself with whoever feeds it, and closes the image, which
 * one that is killed leaves open to Ceph for half a minute.
 * @throws PvcError CEPH_AWAY, CEPH_REFUSED; what `input` throws; the signal's reason
 */
export async function importDiff(
  ceph: CephCommand,
  image: string,
  input: AsyncIterable<Uint8Array>,
  { signal, ...options }: CallOptions & { readonly signal: AbortSignal },
): Promise<void> {
  async function* fed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of input) {
      if (signal.aborted) return;
      yield piece;
    }
  }
  try {
    await ceph.rbd(`the import into ${image}`, ['import-diff', '--no-progress', '-', image], {
      ...options,
      input: fed(),
    });
  } finally {
    signal.throwIfAborted();
  }
}
