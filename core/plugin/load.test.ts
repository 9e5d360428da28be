import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { FileStat, Files } from '../host/host.ts';
import { linuxFiles } from '../host/linux-files.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import * as api from './api.ts';
import { loadPlugins } from './load.ts';
import { Plugins } from './plugin.ts';

let root: string;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'pvc-plugins-'));
});
after(() => rm(root, { recursive: true, force: true }));

let made = 0;
/** Writes files into a fresh directory; returns it. */
async function plant(files: Readonly<Record<string, string>>): Promise<string> {
  made += 1;
  const directory = join(root, String(made));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), text);
  }
  return directory;
}

/** Real files that all belong to root, but for what a test says of some. */
const filesWith = (changes: Readonly<Record<string, Partial<FileStat>>> = {}): Pick<Files, 'stat' | 'readText'> => ({
  readText: (path) => linuxFiles.readText(path),
  stat: async (path) => {
    const stat = await linuxFiles.stat(path);
    return stat && { ...stat, uid: 0, mode: stat.mode & ~0o022, ...changes[path] };
  },
});

async function load(paths: readonly string[], files = filesWith()): Promise<Plugins> {
  const plugins = new Plugins(new VirtualClock());
  await loadPlugins(plugins, files, paths, api);
  plugins.settle();
  return plugins;
}

/** Loads one plugin and returns why it failed. */
async function failure(path: string, files = filesWith()): Promise<string> {
  const plugins = await load([path], files);
  assert.equal(plugins.loaded.length, 1, JSON.stringify(plugins.loaded));
  assert.equal(plugins.loaded[0]?.state, 'failed');
  assert.equal(plugins.troubles.length, 1);
  assert.equal(plugins.troubles[0]?.message, plugins.loaded[0]?.message);
  return plugins.loaded[0]?.message ?? '';
}

const header = (manifest: unknown = { name: 'hello', version: '1.2.3', api: '^1', summary: 'says hello' }): string =>
  `// @pvc-plugin ${JSON.stringify(manifest)}\n`;
const body = (more = ''): string => `module.exports = { name: 'hello', api: '^1', apply(pvc) { ${more} } };\n`;

describe('plugins of one file', () => {
  const moduleBody = `export default { name: 'hello', api: '^1', apply(pvc) { pvc.hooks.kinds.tap(() => []); } };\n`;
  for (const [name, text] of [
    ['hello.cjs', header() + body('pvc.hooks.kinds.tap(() => []);')],
    ['hello.mjs', header() + moduleBody],
    [
      'hello.ts',
      `${header()}interface Pvc { hooks: { kinds: { tap(give: () => unknown[]): void } } }\n${moduleBody.replace('apply(pvc)', 'apply(pvc: Pvc): void')}`,
    ],
    [
      'block.cjs',
      `/*\n * @pvc-plugin {"name":"hello","version":"1.2.3","api":"^1","summary":"says hello"}\n */\n${body('pvc.hooks.kinds.tap(() => []);')}`,
    ],
  ] as const) {
    it(`load from ${name}`, async () => {
      const directory = await plant({ [name]: text });
      const plugins = await load([join(directory, name)]);
      assert.deepEqual(plugins.troubles, []);
      assert.deepEqual(plugins.loaded, [
        {
          name: 'hello',
          builtin: false,
          version: '1.2.3',
          summary: 'says hello',
          path: join(directory, name),
          state: 'loaded',
          message: '',
        },
      ]);
      assert.deepEqual(plugins.tappedBy('hello'), ['kinds']);
    });
  }

  it('get the functions of the API', async () => {
    const directory = await plant({
      'a.cjs':
        header() + body('if (pvc.api.defineKind({ name: "x" }).name !== "x" || !pvc.api.z.string) throw new Error();'),
    });
    assert.deepEqual((await load([join(directory, 'a.cjs')])).troubles, []);
  });

  const cases: readonly [string, string, RegExp][] = [
    ['without a manifest', body(), /no "@pvc-plugin/],
    ['with a manifest after the first 4 KiB', `/*${' '.repeat(5000)}*/\n${header()}${body()}`, /no "@pvc-plugin/],
    ['with a manifest that is not JSON', `// @pvc-plugin {name: hello}\n${body()}`, /manifest is not JSON/],
    ['with a malformed name', header({ name: 'He llo', api: '^1' }) + body(), /name: a plugin name is/],
    ['with the name of a setting', header({ name: 'load', api: '^1' }) + body(), /cannot have this name/],
    ['with the name of PVC itself', header({ name: 'core', api: '^1' }) + body(), /cannot have this name/],
    ['without an API version', header({ name: 'hello' }) + body(), /manifest is not valid: api/],
    ['with an API version that is none', header({ name: 'hello', api: 'newest' }) + body(), /not a semver range/],
    ['for another API version', header({ name: 'hello', api: '^2' }) + body(), /plugin API \^2; this PVC has 1\.4\.0/],
    [
      'that call themselves otherwise',
      header({ name: 'other', api: '^1' }) + body(),
      /calls itself hello, its manifest says other/,
    ],
    ['that throw when they are loaded', `${header()}throw new Error('at load');`, /^at load$/],
    ['that are no JavaScript', `${header()}this is (no code`, /./],
    ['that export nothing', header(), /exports no \{ name, api, apply/],
    ['that export no apply', `${header()}module.exports = { name: 'hello' };`, /exports no/],
    ['that require what is not there', `${header()}require('./not-there.cjs');`, /not-there/],
  ];
  for (const [what, text, reason] of cases) {
    it(`${what} are refused`, async () => {
      const directory = await plant({ 'hello.cjs': text });
      assert.match(await failure(join(directory, 'hello.cjs')), reason);
    });
  }

  it('are called by the name that they say, once they have said it', async () => {
    const nameOf = async (text: string): Promise<string | undefined> => {
      const directory = await plant({ 'file.cjs': text });
      return (await load([join(directory, 'file.cjs')])).loaded[0]?.name;
    };
    assert.equal(await nameOf(body()), 'file.cjs');
    assert.equal(await nameOf(header({ name: 'hello', api: '^2' }) + body()), 'hello');
    assert.equal(await nameOf(`${header()}throw new Error();`), 'hello');
  });

  it('run no line before they are checked', async () => {
    const directory = await plant({
      'a.cjs': `${header({ name: 'hello', api: '^2' })}globalThis.pvcPluginRan = true;\n${body()}`,
    });
    await failure(join(directory, 'a.cjs'));
    assert.equal('pvcPluginRan' in globalThis, false);
  });

  it('fail by their own throw in apply', async () => {
    const directory = await plant({ 'a.cjs': header() + body('throw new Error("in apply")') });
    assert.equal(await failure(join(directory, 'a.cjs')), 'in apply');
  });

  it('that are not there are refused', async () => {
    assert.match(await failure(join(root, 'nothing.cjs')), /there is no .*nothing\.cjs/);
  });
});

describe('plugins in a directory', () => {
  it('load the main file of plugin.json, which may require others', async () => {
    const directory = await plant({
      'plugin.json': JSON.stringify({ name: 'hello', api: '>=1 <3', main: 'lib/main.cjs' }),
      'lib/main.cjs': `const { summary } = require('./part.cjs');\nmodule.exports = { name: 'hello', api: '^1', summary, apply() {} };`,
      'lib/part.cjs': `exports.summary = 'from a part';`,
    });
    const plugins = await load([directory]);
    assert.deepEqual(plugins.troubles, []);
    assert.deepEqual(
      plugins.loaded.map(({ name, summary, version }) => [name, summary, version]),
      [['hello', 'from a part', '0.0.0']],
    );
  });

  for (const [what, manifest, reason] of [
    ['whose main file leads out', { name: 'hello', api: '^1', main: 'a/../../x.cjs' }, /main: a file below/],
    ['whose main file is absolute', { name: 'hello', api: '^1', main: '/etc/x.cjs' }, /main: a file below/],
    ['whose main file is not there', { name: 'hello', api: '^1' }, /there is no .*index\.cjs/],
  ] as const) {
    it(`${what} are refused`, async () => {
      assert.match(await failure(await plant({ 'plugin.json': JSON.stringify(manifest) })), reason);
    });
  }

  it('without plugin.json are refused', async () => {
    assert.match(await failure(await plant({ 'index.cjs': body() })), /plugin\.json/);
  });
});

describe('ownership', () => {
  const files = {
    'plugin.json': '{"name":"hello","api":"^1"}',
    'index.cjs': `module.exports = { name: 'hello', apply() {} };`,
  };
  for (const [what, path, change, reason] of [
    ['a directory of somebody', '', { uid: 1000 }, /does not belong to root/],
    ['a manifest of somebody', 'plugin.json', { uid: 1000 }, /plugin\.json does not belong to root/],
    ['code of somebody', 'index.cjs', { uid: 1000 }, /index\.cjs does not belong to root/],
    ['code that its group can write', 'index.cjs', { mode: 0o664 }, /can be written by others/],
    ['a directory that anybody can write', '', { mode: 0o757 }, /can be written by others/],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const directory = await plant(files);
      assert.match(
        await failure(directory, filesWith({ [path === '' ? directory : join(directory, path)]: change })),
        reason,
      );
    });
  }

  it('of the directory of a one-file plugin counts as well', async () => {
    const directory = await plant({ 'a.cjs': header() + body() });
    assert.match(
      await failure(join(directory, 'a.cjs'), filesWith({ [directory]: { mode: 0o777 } })),
      /can be written/,
    );
  });
});

it('a plugin that fails does not keep the next one from loading', async () => {
  const directory = await plant({
    'bad.cjs': `${header({ name: 'bad', api: '^1' })}throw new Error('no');`,
    'hello.cjs': header() + body(),
    'again.cjs': header() + body(),
  });
  const plugins = await load(['bad', 'hello', 'again'].map((name) => join(directory, `${name}.cjs`)));
  assert.deepEqual(
    plugins.loaded.map(({ name, state }) => `${name} ${state}`),
    ['bad failed', 'hello loaded'],
  );
  assert.match(plugins.troubles[1]?.message ?? '', /already a plugin named hello/);
});
