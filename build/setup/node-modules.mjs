/**
 * Brings `node_modules` to what the lock file says. Plain JavaScript: it runs before anything is installed.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './setup-error.mjs';

/** @typedef {{ version?: string, optional?: boolean, link?: boolean }} LockEntry */
/** @typedef {{ packages?: Record<string, LockEntry> }} Lock */

/**
 * Whether what is installed differs from the lock file. npm keeps a list of what it installed in
 * `node_modules/.package-lock.json`; contents are compared, since a checkout changes times at will.
 * A package too many does no harm.
 * @param {Lock} lock package-lock.json
 * @param {Lock | undefined} installed the hidden lock file, undefined when there is none
 * @returns {boolean}
 */
export function isStale(lock, installed) {
  if (installed === undefined) return true;
  const wanted = lock.packages ?? {};
  const present = installed.packages ?? {};
  for (const [path, entry] of Object.entries(wanted)) {
    // The root is no package; an optional one may be for another platform.
    if (path === '' || (entry.optional === true && present[path] === undefined)) continue;
    if (present[path]?.version !== entry.version) return true;
  }
  return false;
}

/**
 * Installs what the lock file says, if need be, and leaves that file alone. Not by `npm ci`: it refuses a lock
 * file that lacks optional packages of other platforms, and npm writes such a one wherever the registry lacks them.
 * @param {string} repository
 * @param {(line: string) => void} say
 */
export function installNodeModules(repository, say) {
  const lock = readJson(join(repository, 'package-lock.json'));
  if (lock === undefined) throw new SetupError(`${repository} has no package-lock.json`, 'Is this a complete checkout?');
  const directory = join(repository, 'node_modules');
  if (!isStale(lock, readJson(join(directory, '.package-lock.json')))) return;
  if (lstatSync(directory, { throwIfNoEntry: false })?.isSymbolicLink()) {
    throw new SetupError('node_modules is a link to a directory that does not fit package-lock.json', 'Run `npm install` where the link points, or remove the link.');
  }
  say('installing npm packages');
  // No install scripts: the only one would compile SQLite, and the package brings it ready-made.
  // Under `npm start` npm tells where it is itself.
  const npm = process.env.npm_execpath;
  const args = ['install', '--no-save', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } =
    npm === undefined
      ? spawnSync('npm', args, { cwd: repository, stdio: 'inherit' })
      : spawnSync(process.execPath, [npm, ...args], { cwd: repository, stdio: 'inherit' });
  if (error || status !== 0) {
    throw new SetupError('npm install failed; what it said is above', 'Is the npm registry reachable (network, proxy, ~/.npmrc)?');
  }
}

/**
 * @param {string} path
 * @returns {Lock | undefined} undefined when there is no such file
 */
function readJson(path) {
  try {
    return /** @type {Lock} */ (JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}
