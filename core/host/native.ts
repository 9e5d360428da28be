/**
 * Loads a native addon that is embedded in the executable. The dynamic loader can only map files, so
 * the addon is written once to a directory that nobody else can write to, named by the hash of its
 * content, and checked again before every load. The bundler puts a call to this in the place of each
 * `require('….node')`; from source the addon is loaded from node_modules and this is not used.
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defineErrors, errorText } from '../error/error.ts';
import { readAsset } from './assets.ts';

const nativeError = defineErrors({
  NATIVE_UNUSABLE: {
    message: 'The built-in driver {name} cannot be loaded from any directory.',
    hint: 'As root, make /var/lib/pvc/native writable and not mounted noexec; as another user, give XDG_RUNTIME_DIR or a usable /tmp.',
    http: 500,
    exit: 'failed',
  },
});

export interface NativePlaces {
  readonly uid: number;
  readonly runtimeDirectory: string | undefined;
  /** `/var/lib/pvc`; tests give another. */
  readonly stateDirectory: string;
  /** `/tmp`; tests give another. */
  readonly temporaryDirectory: string;
}

/** Directories to try, best first. Only root uses the state directory. */
export function nativeDirectories(places: NativePlaces): string[] {
  const directories: string[] = [];
  if (places.uid === 0) directories.push(join(places.stateDirectory, 'native'));
  else if (places.runtimeDirectory !== undefined && places.runtimeDirectory.startsWith('/'))
    directories.push(join(places.runtimeDirectory, 'pvc-native'));
  directories.push(join(places.temporaryDirectory, `pvc-native-${places.uid}`));
  return directories;
}

/**
 * Makes one directory unless it is there. Not `recursive`: on a file system that answers ENOENT to mkdir
 * (procfs) Node then tries for ever.
 */
function makeOne(directory: string, mode: number): void {
  try {
    mkdirSync(directory, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Makes the directory, or throws unless it is a true directory of this user that only this user can write to. */
function claimDirectory(directory: string, uid: number): void {
  makeOne(directory, 0o700);
  const stat = lstatSync(directory);
  if (!stat.isDirectory()) throw new Error(`${directory} is not a directory`);
  if (stat.uid !== uid) throw new Error(`${directory} belongs to user ${stat.uid}`);
  if ((stat.mode & 0o077) !== 0) chmodSync(directory, 0o700);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** True when the file is there, is a plain file of this user and holds exactly these bytes. */
function isIntact(file: string, uid: number, hash: string): boolean {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  return stat !== undefined && stat.isFile() && stat.uid === uid && sha256(readFileSync(file)) === hash;
}

/**
 * Writes the addon to `directory/HASH.node` unless it is there and intact.
 * @returns the path of the file
 * @throws Error when the directory cannot be trusted or written
 */
export function extractNative(bytes: Uint8Array, directory: string, uid: number): string {
  claimDirectory(directory, uid);
  const hash = sha256(bytes);
  const file = join(directory, `${hash}.node`);
  if (isIntact(file, uid, hash)) return file;
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    writeFileSync(draft, bytes, { mode: 0o700, flag: 'wx', flush: true });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return file;
}

/**
 * Extracts and loads an addon from the embedded assets.
 * @throws PvcError NATIVE_UNUSABLE with one detail line for each directory that was tried
 */
export function loadNative(
  name: string,
  places: NativePlaces = {
    uid: process.getuid?.() ?? 0,
    runtimeDirectory: process.env['XDG_RUNTIME_DIR'],
    stateDirectory: '/var/lib/pvc',
    temporaryDirectory: '/tmp',
  },
): unknown {
  const bytes = readAsset(name);
  const failures: string[] = [];
  for (const directory of nativeDirectories(places)) {
    try {
      if (dirname(directory) === places.stateDirectory) makeOne(places.stateDirectory, 0o700);
      const holder: { exports: unknown } = { exports: {} };
      process.dlopen(holder, extractNative(bytes, directory, places.uid));
      for (const failure of failures) process.stderr.write(`pvc: ${failure}; using ${directory} instead\n`);
      return holder.exports;
    } catch (error) {
      failures.push(`cannot load ${name} from ${directory}: ${errorText(error)}`);
    }
  }
  throw nativeError('NATIVE_UNUSABLE', { name }, { details: failures });
}
