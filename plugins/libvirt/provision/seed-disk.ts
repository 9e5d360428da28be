/** The disk that cloud-init reads: an ISO 9660 file system, made by genisoimage. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { provisionError } from './provision-errors.ts';

/** All that a seed may hold, with room for the file system; the volume has this size whatever is in it. */
export const seedBytes = 2 * 1024 * 1024;

/** Where they are made, below the daemon's own directory; one that a killed daemon has left goes when the next one starts. */
export const seedDirectory = (run: string): string => `${run}/seeds`;

const makeTimeoutMs = 60_000;

/**
 * @param directory scratch space of this seed alone, which only root may read: userdata may hold passwords
 * @throws PvcError SEED_FAILED, EXEC_NOT_FOUND
 */
export async function makeSeedDisk(
  { files, processes }: Pick<Host, 'files' | 'processes'>,
  directory: string,
  contents: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Uint8Array> {
  // An earlier try may have been cut off.
  await files.remove(directory);
  await files.makeDirectory(directory, 0o700);
  try {
    for (const [name, text] of Object.entries(contents)) await files.writeAtomic(`${directory}/${name}`, text, 0o600);
    const pieces: Uint8Array[] = [];
    const argv = ['genisoimage', '-quiet', '-volid', 'CIDATA', '-joliet', '-rational-rock', directory] as const;
    const {
      code,
      signal: killed,
      stderr,
    } = await processes.exec(argv, {
      timeoutMs: makeTimeoutMs,
      signal,
      // Without -o it writes there.
      takeOutput: async (piece) => void pieces.push(Uint8Array.from(piece)),
    });
    const image = Buffer.concat(pieces);
    if (code !== 0 || image.length === 0)
      throw provisionError('SEED_FAILED', {
        reason: stderr.trim().split('\n').at(-1) || (killed === null ? `exit code ${code}` : `signal ${killed}`),
      });
    if (image.length > seedBytes)
      throw provisionError('SEED_FAILED', { reason: `it has ${image.length} bytes, and may have ${seedBytes}` });
    return Buffer.concat([image, Buffer.alloc(seedBytes - image.length)]);
  } finally {
    await files.remove(directory);
  }
}
