/** Nothing in the repository depends on, or tells about, the machine it was written on. @module */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const self = 'test/architecture/tracked-files.test.ts';

const forbidden: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a package registry', pattern: /\bregistry\.[a-z0-9-]+\.[a-z]{2,}|\bregistry=|\/artifactory\// },
  {
    what: 'a path of a development machine',
    pattern: /(?<![\w.-])\/(?:work\/(?:main|shared|\.library)|tmp\/wt)/,
  },
];

/** One line for each offence in a text. */
function offences(file: string, text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      forbidden.filter(({ pattern }) => pattern.test(line)).map(({ what }) => `${file}:${index + 1} names ${what}`),
    );
}

describe('tracked files', { skip: existsSync(join(root, '.git')) ? false : 'not a git checkout' }, () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && file !== self && existsSync(join(root, file)));

  it('name no registry and no path of this machine', () => {
    const found = tracked
      .filter((file) => lstatSync(join(root, file)).isFile())
      .flatMap((file) => {
        const text = readFileSync(join(root, file), 'utf8');
        return [...offences(file, text), ...(text.includes(`${root}/`) ? [`${file} names ${root}`] : [])];
      });
    assert.deepEqual(found, []);
  });

  it('hold no links out of the repository', () => {
    const links = tracked.filter((file) => lstatSync(join(root, file)).isSymbolicLink());
    assert.deepEqual(
      links.filter((file) => file === 'node_modules' || file.startsWith('node_modules/')),
      [],
    );
  });

  it('hold a lock file with integrity and without addresses', () => {
    const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
    assert.doesNotMatch(text, /"resolved":\s*"http/);
    const { packages } = JSON.parse(text) as {
      packages: Record<string, { integrity?: string; link?: boolean; inBundle?: boolean }>;
    };
    const bare = Object.entries(packages)
      .filter(
        ([path, entry]) =>
          path !== '' && entry.link !== true && entry.inBundle !== true && entry.integrity === undefined,
      )
      .map(([path]) => path);
    assert.deepEqual(bare, []);
  });
});

describe('the search of tracked files', () => {
  it('finds what it looks for', () => {
    const host = ['registry', 'example', 'org'].join('.');
    assert.deepEqual(offences('a', `fine\nsee https://${host}/x`), ['a:2 names a package registry']);
    assert.equal(offences('a', ['', 'work', 'main', 'core'].join('/')).length, 1);
  });

  it('lets the words and paths of the product pass', () =>
    assert.deepEqual(
      offences('a', 'the registry of operations, core/operation/registry.ts, /var/lib/pvc/work, ~/.config'),
      [],
    ));
});
