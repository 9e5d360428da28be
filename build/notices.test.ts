import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { bundledPackages, isCompatible, packageNotice, renderNotices } from './notices.ts';
import { inRepository } from './paths.ts';

describe('third-party notices', () => {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pvc-notices-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const plant = (manifest: object, files: Record<string, string> = {}): string => {
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ name: 'planted', version: '1.0.0', ...manifest }));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return directory;
  };

  it('take licences that fit the GPL, in every way to write them', () => {
    for (const good of ['MIT', 'ISC', 'Apache-2.0', '(MIT OR GPL-2.0-only)', 'MIT AND ISC', '(BSD-3-Clause AND MIT)'])
      assert.ok(isCompatible(good), good);
    for (const bad of [
      'GPL-2.0-only',
      'SSPL-1.0',
      'BUSL-1.1',
      'UNLICENSED',
      'MIT AND SSPL-1.0',
      'SEE LICENSE IN FILE',
      '',
    ])
      assert.ok(!isCompatible(bad), bad);
  });

  it('hold the texts of the package, a NOTICE file as well', () => {
    const notice = packageNotice(
      plant({ license: 'Apache-2.0' }, { LICENSE: 'the licence\n', 'NOTICE.txt': 'the notice\n', other: 'x' }),
    );
    assert.deepEqual(notice, {
      name: 'planted',
      version: '1.0.0',
      licence: 'Apache-2.0',
      text: 'the licence\n\nthe notice',
    });
  });

  it('refuse a package without a licence, with one that does not fit, or without its text', () => {
    assert.throws(() => packageNotice(plant({}, { LICENSE: 'x' })), /planted: package\.json names no licence/);
    assert.throws(() => packageNotice(plant({ license: 'BUSL-1.1' }, { LICENSE: 'x' })), /planted: licence BUSL-1\.1/);
    rmSync(join(directory, 'LICENSE'));
    assert.throws(() => packageNotice(plant({ license: 'MIT' })), /planted: no licence text/);
  });

  it('find the packages of the bundle, nested and scoped ones too', () => {
    const inputs = Object.fromEntries(
      [
        'core/main.ts',
        'node_modules/zod/v4/index.js',
        'node_modules/zod/v4/core.js',
        'node_modules/@hono/node-server/dist/index.mjs',
        'node_modules/a/node_modules/b/lib/x.js',
        'embedded-addon:sqlite.node',
      ].map((path) => [path, { bytes: 1, imports: [] }]),
    );
    assert.deepEqual(
      bundledPackages({ inputs, outputs: {} }),
      ['@hono/node-server', 'a/node_modules/b', 'zod'].map((name) => inRepository(`node_modules/${name}`)),
    );
  });

  it('can be made for every run-time dependency', () => {
    const { dependencies } = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { dependencies: object };
    for (const name of Object.keys(dependencies))
      assert.ok(packageNotice(inRepository(`node_modules/${name}`)).text.length > 200, name);
  });

  it('begin with a table', () => {
    const text = renderNotices([{ name: 'a', version: '1.0.0', licence: 'MIT', text: 'words' }]);
    assert.match(text, /\n\na 1\.0\.0: MIT\n\n-+\na 1\.0\.0\n-+\n\nwords\n/);
  });
});
