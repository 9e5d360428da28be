/** Files on Linux. Every error names the path; a full disk and missing rights have codes of their own. @module */
import type { Stats } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  statfs,
  watch,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { FileStat, Files } from './host.ts';
import { createTarget, nameBeside, openSource, syncDirectory } from './linux-file-streams.ts';
import { fileError } from './system-error.ts';

const absent = new Set(['ENOENT', 'ENOTDIR']);

/** Runs `use`; undefined when the path does not exist, FILE_DENIED or FILE_FAILED for any other trouble. */
async function ifPresent<T>(path: string, use: () => Promise<T>): Promise<T | undefined> {
  try {
    return await use();
  } catch (error) {
    if (absent.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw fileError('read', path, error);
  }
}

async function orFail<T>(action: string, path: string, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (error) {
    throw fileError(action, path, error);
  }
}

async function withFile<T>(
  path: string,
  flags: string,
  mode: number,
  use: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flags, mode);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function writeAtomic(path: string, data: string | Uint8Array, mode: number): Promise<void> {
  const beside = await nameBeside(path);
  try {
    await withFile(beside, 'wx', mode, async (file) => {
      await file.chmod(mode); // the umask took its part of the mode at open
      await file.writeFile(data);
      await file.sync();
    });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function readSlice(path: string, offset: number, length: number): Promise<Uint8Array> {
  return withFile(path, 'r', 0, async (file) => {
    const size = (await file.stat()).size;
    const buffer = Buffer.alloc(Math.max(0, Math.min(length, size - offset)));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, offset + filled);
      if (bytesRead === 0) break; // shortened by another process meanwhile
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  });
}

function kindOf(found: Stats): FileStat['kind'] {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  if (found.isSocket()) return 'socket';
  return found.isBlockDevice() || found.isCharacterDevice() ? 'device' : 'other';
}

/** Files of this machine. New files have mode 0600 and new directories 0755 unless the caller says otherwise. */
export const linuxFiles: Files = {
  readText: (path) => ifPresent(path, () => readFile(path, 'utf8')),
  readBytes: (path) => ifPresent(path, () => readFile(path)),
  readSlice: (path, offset, length) => ifPresent(path, () => readSlice(path, offset, length)),
  openRead: (path) => ifPresent(path, () => openSource(path)),
  createBeside: (path, mode = 0o600) => orFail('write', path, () => createTarget(path, mode)),
  writeAtomic: (path, data, mode = 0o600) => orFail('write', path, () => writeAtomic(path, data, mode)),
  append: (path, data, mode = 0o600) => orFail('write', path, () => appendFile(path, data, { mode })),
  makeDirectory: (path, mode = 0o755) =>
    orFail('make', path, async () => {
      const made = await mkdir(path, { recursive: true, mode });
      if (made !== undefined) await chmod(path, mode); // past the umask
    }),
  list: (path) => ifPresent(path, async () => (await readdir(path)).sort()),
  stat: (path) =>
    ifPresent(path, async () => {
      const found = await stat(path);
      const { size, uid, mtimeMs, ino: inode } = found;
      return { size, mode: found.mode & 0o7777, uid, mtimeMs, inode, kind: kindOf(found) };
    }),
  realPath: (path) => ifPresent(path, () => realpath(path)),
  space: (path) =>
    ifPresent(path, async () => {
      const { bsize, bavail, blocks } = await statfs(path);
      return { free: bavail * bsize, total: blocks * bsize };
    }),
  remove: (path) =>
    orFail('remove', path, async () => {
      if (resolve(path) === '/') throw new Error('that is the root of all files');
      await rm(path, { recursive: true, force: true });
    }),
  rename: (from, to) =>
    orFail('rename', from, async () => {
      await rename(from, to);
      await syncDirectory(dirname(to));
    }),
  watch: (directory, changed, signal) =>
    orFail('watch', directory, async () => {
      try {
        for await (const _ of watch(directory, { signal })) changed();
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }),
  setAccess: (path, mode, gid) =>
    orFail('set the access of', path, async () => {
      if (gid !== undefined) await chown(path, -1, gid); // -1 leaves the owner, chown(2)
      await chmod(path, mode);
    }),
};
