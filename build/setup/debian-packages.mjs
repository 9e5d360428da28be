/**
 * Installs the Debian packages that PVC, its build and its lab need and this machine lacks.
 * Plain JavaScript on purpose: it runs on whatever Node the machine has, before anything is installed.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { SetupError } from './setup-error.mjs';

/** @typedef {'run' | 'coordinator' | 'lab' | 'build' | 'image' | 'installer'} Purpose */
/** @typedef {{ purpose: string, onRequest?: boolean, packages: Record<string, string> }} PackageList */

export const packageLists = /** @type {Record<Purpose, PackageList>} */ (
  JSON.parse(readFileSync(new URL('packages.json', import.meta.url), 'utf8'))
);

/**
 * The packages of these purposes, without repetition.
 * @param {readonly Purpose[]} purposes
 * @returns {string[]}
 */
export function packagesFor(purposes) {
  return [...new Set(purposes.flatMap((purpose) => Object.keys(packageLists[purpose].packages)))];
}

/**
 * Which of the wanted packages are not fully installed, from the output of
 * `dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n'` ("ii" = wanted and installed, dpkg-query(1)).
 * @param {readonly string[]} wanted
 * @param {string} dpkgOutput
 * @returns {string[]}
 */
export function missingPackages(wanted, dpkgOutput) {
  const installed = new Set();
  for (const line of dpkgOutput.split('\n')) {
    const [status, name] = line.trim().split(/\s+/);
    if (status?.endsWith('i') && name !== undefined) installed.add(name);
  }
  return wanted.filter((name) => !installed.has(name));
}

/**
 * Brings the machine's packages up to what the purposes need; does nothing, in a fraction of a second, when all is there.
 * @param {readonly Purpose[]} purposes
 * @param {(line: string) => void} say
 */
export function installDebianPackages(purposes, say) {
  const query = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Abbrev} ${Package}\n'], { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (query.error) {
    throw new SetupError('this machine has no dpkg: PVC runs on Debian 12 or newer', 'Use a Debian machine, or a Debian virtual machine.');
  }
  const missing = missingPackages(packagesFor(purposes), query.stdout);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `packages are missing and only root can install them: ${missing.join(' ')}`,
      `Run as root: apt-get install --no-install-recommends ${missing.join(' ')}`,
    );
  }
  say(`installing ${missing.length} Debian packages: ${missing.join(' ')}`);
  withoutStartingServices(() => {
    if (!hasPackageLists()) updateLists(say);
    if (install(missing, false)) return;
    // The lists may be older than the archive: names gone, versions replaced.
    updateLists(say);
    if (!install(missing, true)) {
      throw new SetupError(
        'apt-get install failed; what it said is above',
        'Is the Debian archive reachable (network, proxy, /etc/apt/sources.list)? Is another apt running?',
      );
    }
  });
}

/** @param {(line: string) => void} say */
function updateLists(say) {
  say('apt-get update');
  const { status } = aptGet(['update', '-q'], 'inherit');
  if (status !== 0) {
    throw new SetupError('apt-get update failed; what it said is above', 'Is the Debian archive reachable (network, proxy, /etc/apt/sources.list)?');
  }
}

/**
 * @param {readonly string[]} names
 * @param {boolean} isLastTry the first try keeps apt's complaints to itself
 * @returns {boolean} whether it worked
 */
function install(names, isLastTry) {
  const result = aptGet(
    ['install', '-y', '-q', '--no-install-recommends', '-o', 'Dpkg::Use-Pty=0', '-o', 'Dpkg::Options::=--force-confold', ...names],
    isLastTry ? 'inherit' : 'pipe',
  );
  return result.status === 0;
}

/**
 * @param {readonly string[]} args
 * @param {'inherit' | 'pipe'} output
 */
function aptGet(args, output) {
  return spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', ...args], {
    stdio: ['ignore', output, output],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    maxBuffer: 64 << 20,
  });
}

/** Whether apt knows any archive; a fresh container or installation often does not. */
function hasPackageLists() {
  const directory = '/var/lib/apt/lists';
  return existsSync(directory) && readdirSync(directory).some((name) => name.includes('_Packages'));
}

/**
 * Debian starts a service as it installs it. Not here: PVC and the lab start their own, with their own configuration.
 * The policy program's contract: /usr/share/doc/init-system-helpers/README.policy-rc.d, 101 = forbidden.
 * @param {() => void} work
 */
function withoutStartingServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    work();
  } finally {
    rmSync(policy);
  }
}
