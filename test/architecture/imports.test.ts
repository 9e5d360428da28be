/** Imports point one way, never in a circle, and the CLI loads no server. @module */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { findCycles, type Graph, type Import, readGraph, scanImports, staticClosure } from './import-graph.ts';
import { wrongDirections } from './import-rules.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const graph = readGraph(root, ['core', 'plugins', 'build', 'test']);

/** What only a daemon needs; none of it may be evaluated for a command of the CLI. */
const serverOnly =
  /^(core\/(daemon|api|web)\/|hono|@hono\/|ws$|prom-client|@peculiar\/x509|better-sqlite3|node-zookeeper-client)/;

const cliFiles = [...graph.keys()].filter(
  (file) => file === 'core/main.ts' || (file.startsWith('core/cli/') && !file.includes('/testing/')),
);

const planted = (files: Record<string, readonly (string | Import)[]>): Graph =>
  new Map(
    Object.entries(files).map(([file, imports]) => [
      file,
      imports.map((one): Import => (typeof one === 'string' ? { target: one, kind: 'value' } : one)),
    ]),
  );

describe('imports', () => {
  it('point in the allowed direction', () => assert.deepEqual(wrongDirections(graph), []));

  it('form no cycle', () =>
    assert.deepEqual(
      findCycles(graph).map((cycle) => cycle.join(' → ')),
      [],
    ));

  it('name files that exist', () => {
    const lost = [...graph].flatMap(([file, imports]) =>
      imports
        .filter(({ target }) => /^(core|plugins|build|test)\//.test(target) && !existsSync(join(root, target)))
        .map(({ target }) => `${file} imports ${target}`),
    );
    assert.deepEqual(lost, []);
  });

  it('of the CLI load nothing that only a daemon needs', () => {
    const reached = [...staticClosure(graph, cliFiles)].filter((name) => serverOnly.test(name));
    assert.deepEqual(reached, []);
  });

  it('are read from the text as the bundler sees them', async () => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [...graph.keys()].filter((file) => /^(core|plugins)\//.test(file)),
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      outdir: 'dist/unwritten',
      write: false,
      metafile: true,
      treeShaking: false,
      logLevel: 'silent',
    });
    for (const [file, input] of Object.entries(metafile.inputs)) {
      const bundled = input.imports.map((one) => one.path).filter((path) => /^(core|plugins)\//.test(path));
      const scanned = (graph.get(file) ?? []).filter((one) => one.kind !== 'type').map((one) => one.target);
      for (const target of bundled)
        assert.ok(scanned.includes(target), `${file} imports ${target}, the scan missed it`);
    }
  });
});

describe('the import scan', () => {
  it('tells the kinds apart and resolves paths', () =>
    assert.deepEqual(
      scanImports(
        'core/store/a.ts',
        [
          '/** import x from "../doc.ts" */',
          '// import y from "../line.ts"',
          "import './effect.ts';",
          "import type { T } from '../model/t.ts';",
          "import {\n  one,\n  type Two,\n} from '../host/many.ts';",
          "export * as names from 'zod';",
          "export { a } from './b.ts';",
          "export const text = 'import z from';",
          "const later = () => import('../api/late.ts').then((api) => api.go());",
          "type Api = typeof import('./c.ts') | import('./d.ts').Name;",
        ].join('\n'),
      ),
      [
        { target: 'core/store/effect.ts', kind: 'value' },
        { target: 'core/model/t.ts', kind: 'type' },
        { target: 'core/host/many.ts', kind: 'value' },
        { target: 'zod', kind: 'value' },
        { target: 'core/store/b.ts', kind: 'value' },
        { target: 'core/api/late.ts', kind: 'dynamic' },
        { target: 'core/store/c.ts', kind: 'type' },
        { target: 'core/store/d.ts', kind: 'type' },
      ],
    ));
});

describe('the import rules', () => {
  const type = (target: string): Import => ({ target, kind: 'type' });

  it('find a cycle, also through import(), not through types', () => {
    assert.deepEqual(findCycles(planted({ a: ['b'], b: ['c'], c: ['a'], d: ['a'] })), [['a', 'b', 'c', 'a']]);
    assert.equal(findCycles(planted({ a: ['b'], b: [{ target: 'a', kind: 'dynamic' }] })).length, 1);
    assert.deepEqual(findCycles(planted({ a: ['b'], b: [type('a')] })), []);
    assert.deepEqual(findCycles(planted({ a: ['a'] })), [['a', 'a']]);
  });

  for (const [file, target] of [
    ['core/host/a.ts', 'core/store/store.ts'],
    ['core/store/a.ts', 'core/operation/plan.ts'],
    ['core/reconcile/a.ts', 'core/operation/plan.ts'],
    ['core/operation/a.ts', 'core/api/listen.ts'],
    ['core/cluster/a.ts', 'core/daemon/daemon.ts'],
    ['core/config/a.ts', 'core/store/store.ts'],
    ['core/api/a.ts', 'plugins/libvirt/index.ts'],
    ['core/model/a.ts', 'test/lab/run.ts'],
    ['core/host/a.ts', 'core/host/testing/fake.ts'],
    ['core/unheard-of/a.ts', 'core/error/error.ts'],
    ['plugins/ceph/index.ts', 'plugins/libvirt/index.ts'],
    ['plugins/ceph/index.ts', 'core/host/host.ts'],
  ] as const)
    it(`refuse that ${file} imports ${target}`, () => {
      assert.equal(wrongDirections(planted({ [file]: [target] })).length, 1);
      assert.equal(wrongDirections(planted({ [file]: [type(target)] })).length, 1, 'as a type');
    });

  for (const [file, target] of [
    ['core/store/a.ts', 'core/host/host.ts'],
    ['core/reconcile/a.ts', 'core/task/task.ts'],
    ['core/daemon/a.ts', 'core/api/listen.ts'],
    ['core/config/a.ts', 'core/model/kind.ts'],
    ['core/plugin/builtin.ts', 'plugins/libvirt/index.ts'],
    ['plugins/ceph/index.ts', 'core/plugin/api.ts'],
    ['plugins/ceph/index.ts', 'plugins/ceph/schema.ts'],
    ['test/lab/a.ts', 'plugins/ceph/schema.ts'],
    ['plugins/ceph/testing/a.ts', 'core/host/virtual-host.ts'],
  ] as const)
    it(`allow that ${file} imports ${target}`, () =>
      assert.deepEqual(wrongDirections(planted({ [file]: [target] })), []));

  it('notice a server that the CLI would load, and not one behind import()', () => {
    const reached = (imports: readonly (string | Import)[]): string[] =>
      [
        ...staticClosure(planted({ 'core/main.ts': ['core/cli/run.ts'], 'core/cli/run.ts': imports }), [
          'core/main.ts',
        ]),
      ].filter((name) => serverOnly.test(name));
    assert.deepEqual(reached(['hono', 'core/daemon/daemon.ts']), ['hono', 'core/daemon/daemon.ts']);
    assert.deepEqual(reached([{ target: 'core/daemon/daemon.ts', kind: 'dynamic' }, type('hono')]), []);
  });
});
