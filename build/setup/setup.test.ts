import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

type Lock = { packages: Record<string, { version?: string; optional?: boolean }> };

/** These modules are plain JavaScript, which the compiler does not look into: the old Node of a fresh machine must be able to run them. */
const load = (name: string) => import(new URL(name, import.meta.url).href) as Promise<unknown>;
const { missingPackages, packageLists, packagesFor } = (await load('./debian-packages.mjs')) as {
  missingPackages: (wanted: string[], dpkgOutput: string) => string[];
  packageLists: Record<string, { packages: Record<string, string> }>;
  packagesFor: (purposes: string[]) => string[];
};
const { isStale } = (await load('./node-modules.mjs')) as {
  isStale: (lock: Lock, installed: Lock | undefined) => boolean;
};

describe('Debian packages', () => {
  it('counts only what is fully installed', () => {
    const output = 'ii  tini\nrc  cpio\niU  mtools\nhi  kmod\n';
    assert.deepEqual(missingPackages(['tini', 'cpio', 'mtools', 'kmod', 'syslinux'], output), [
      'cpio',
      'mtools',
      'syslinux',
    ]);
  });

  it('gives every package a reason and names none twice', () => {
    const all = Object.values(packageLists).flatMap((list) => Object.entries(list.packages));
    assert.equal(new Set(all.map(([name]) => name)).size, all.length);
    for (const [name, reason] of all) assert.ok(reason.length > 3, name);
    assert.equal(packagesFor([...Object.keys(packageLists), 'run']).length, all.length);
  });
});

describe('node_modules', () => {
  const lock = {
    packages: {
      '': {},
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '2.0.0', optional: true },
    },
  };

  it('is stale when there is none, a version differs or a package is missing', () => {
    assert.equal(isStale(lock, undefined), true);
    assert.equal(isStale(lock, { packages: { 'node_modules/a': { version: '1.0.1' } } }), true);
    assert.equal(isStale(lock, { packages: { 'node_modules/b': { version: '2.0.0' } } }), true);
    assert.equal(
      isStale(lock, { packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.9.0' } } }),
      true,
    );
  });

  it('is fresh when it matches, with or without the optional packages, whatever else is there', () => {
    assert.equal(
      isStale(lock, { packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/c': { version: '1.0.0' } } }),
      false,
    );
    assert.equal(isStale(lock, { packages: { 'node_modules/a': { version: '1.0.0' } } }), false);
    assert.equal(
      isStale(lock, { packages: { 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0' } } }),
      false,
    );
  });
});
