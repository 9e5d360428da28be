/** Files on Linux that are read and made piece by piece. @module */
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileSource, FileTarget } from './host.ts';
import { fileError } from './system-error.ts';

/** Large enough that the calls cost little beside the copying, and little memory. */
const pieceBytes = 256 * 1024;

/** A name in the same directory that nobody has; short, so that it fits wherever the file's own name fits. */
export async function nameBeside(path: string): Promise<string> {
  // Here and not above: most commands write no file.
  const { randomBytes } = await import('node:crypto');
  return join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
}

/** Makes a rename durable: the directory is a file of its own with its own cache. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

export async function openSource(path: string): Promise<FileSource> {
  const file = await open(path, 'r');
  try {
    const found = await file.stat();
    return {
      sizeBytes: found.isFile() ? found.size : undefined,
      body: pieces(file, path),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function* pieces(file: FileHandle, path: string): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    // A piece of its own each time: whoever got the one before may hold it still.
    const { bytesRead, buffer } = await file
      .read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, null)
      .catch((error: unknown) => {
        throw fileError('read', path, error);
      });
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

export async function createTarget(path: string, mode: number): Promise<FileTarget> {
  const beside = await nameBeside(path);
  const file = await open(beside, 'wx', mode);
  let state: 'open' | 'kept' | 'dropped' = 'open';
  const told = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw fileError('write', path, error);
    });
  return {
    write: (bytes) => told(writeAll(file, bytes)),
    async keep() {
      await told(file.sync());
      await told(file.close());
      await told(rename(beside, path));
      state = 'kept';
      await told(syncDirectory(dirname(path)));
    },
    async drop() {
      if (state !== 'open') return;
      state = 'dropped';
      await file.close().catch(() => undefined); // it goes anyway
      await told(rm(beside, { force: true }));
    },
  };
}

/** A disk that is nearly full takes a part of what it is given. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, null)).bytesWritten;
}
