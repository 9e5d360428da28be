/** The package of types that third parties write plugins against, used as they would: outside the repository. @module */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { inRepository } from '../../build/paths.ts';
import { importedPackages, toDeclarationImports } from '../../build/types.ts';

const built = inRepository('dist/plugin-api');

const plugin = `
import type { PluginContext, PluginDefinition } from '@pvc/plugin-api';
import type { AnswerFor } from '@pvc/plugin-api/operation-types';

declare module '@pvc/plugin-api/operation-types' {
  interface OperationTypes {
    'example.count': { type: 'query'; input: { colour: string }; output: { count: number } };
  }
}
export const countOf = (answer: AnswerFor<'example.count'>): number => answer.count;
// @ts-expect-error a count is no text: clients know the plugin's operation
export const textOf = (answer: AnswerFor<'example.count'>): string => answer.count;

const definition: PluginDefinition = {
  name: 'example',
  api: '^1',
  summary: 'An example',
  apply(pvc: PluginContext) {
    const { z, defineErrors, PvcError } = pvc.api;
    const shape = z.strictObject({ colour: z.string(), count: z.number().int() });
    const parsed: { colour: string; count: number } = shape.parse({});
    const fail = defineErrors({ EXAMPLE: { message: 'm', hint: 'h', http: 400, exit: 'usage' } });
    if (!(fail('EXAMPLE') instanceof PvcError)) throw new Error(parsed.colour);
    // @ts-expect-error a number is no colour: zod's types have come along
    const wrong: number = parsed.colour;
    // @ts-expect-error there is no such code
    fail('OTHER');
    // @ts-expect-error there is no such hook
    pvc.hooks.noSuchHook;
    return void wrong;
  },
};
export default definition;

// @ts-expect-error a plugin has a name
export const nameless: PluginDefinition = { api: '^1', apply() {} };
`;

describe('@pvc/plugin-api', () => {
  let directory = '';

  before(() => {
    assert.ok(existsSync(built), 'run "npm run build:types" first');
    directory = mkdtempSync(join(tmpdir(), 'pvc-plugin-api-'));
    const modules = join(directory, 'node_modules');
    cpSync(built, join(modules, '@pvc/plugin-api'), { recursive: true });
    const { dependencies } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const name of Object.keys(dependencies)) {
      mkdirSync(dirname(join(modules, name)), { recursive: true });
      symlinkSync(inRepository(`node_modules/${name}`), join(modules, name));
    }
    writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
    writeFileSync(join(directory, 'plugin.ts'), plugin);
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it('types a plugin in a folder of its own', () => {
    const args = ['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', 'plugin.ts'];
    const { status, stdout } = spawnSync(inRepository('node_modules/.bin/tsc'), args, {
      cwd: directory,
      encoding: 'utf8',
    });
    assert.equal(stdout, '');
    assert.equal(status, 0);
  });

  it('declares zod, and nothing of PVC that is not in the package', () => {
    const { dependencies } = JSON.parse(readFileSync(join(built, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    assert.ok(dependencies['zod']);
    assert.deepEqual(
      Object.keys(dependencies).filter((name) => name.startsWith('@pvc/')),
      [],
    );
  });
});

describe('declarations', () => {
  it('get imports that end in .js', () =>
    assert.equal(
      toDeclarationImports("export { a } from './a.ts';\ntype B = typeof import('../b.ts');\nimport 'x.ts';"),
      "export { a } from './a.js';\ntype B = typeof import('../b.js');\nimport 'x.ts';",
    ));

  it('tell the packages that they import', () =>
    assert.deepEqual(
      importedPackages(
        "import { z } from 'zod';\nimport('node:stream').Duplex\nimport a from '@x/y/z';\nfrom './own.js'",
      ),
      ['zod', '@types/node', '@x/y'],
    ));
});
