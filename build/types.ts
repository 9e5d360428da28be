/**
 * `npm run build:types`: the package `@pvc/plugin-api` in `dist/plugin-api`. It holds only types: a
 * plugin is given the functions themselves when it is applied.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pluginApiVersion } from '../core/plugin/plugin.ts';
import { inRepository } from './paths.ts';

const output = inRepository('dist/plugin-api');
const configFile = inRepository('dist/tsconfig.plugin-api.json');

/** Relative imports of the sources end in `.ts`; in a package of declarations they must end in `.js`. */
export function toDeclarationImports(text: string): string {
  return text.replace(/((?:from|import)\s*\(?\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2');
}

/** Names of the packages that a declaration imports; `node:…` stands for `@types/node`. */
export function importedPackages(text: string): string[] {
  const names = [...text.matchAll(/(?:from|import)\s*\(?\s*['"]([^.'"][^'"]*)['"]/g)].map(([, name]) => name as string);
  return names.map((name) =>
    name.startsWith('node:')
      ? '@types/node'
      : name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
  );
}

function emitDeclarations(): void {
  mkdirSync(inRepository('dist'), { recursive: true });
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: '../core',
      outDir: 'plugin-api',
    },
    include: [],
    files: [
      '../core/plugin/api.ts',
      ...globSync('core/**/*.d.ts', { cwd: inRepository('.') }).map((file) => `../${file}`),
    ],
  };
  writeFileSync(configFile, JSON.stringify(config));
  execFileSync(inRepository('node_modules/.bin/tsc'), ['-p', configFile], { stdio: 'inherit' });
  rmSync(configFile);
}

/** Exact versions of what the declarations import, as the repository has them. */
function dependencies(): Record<string, string> {
  const names = new Set<string>();
  for (const file of globSync('**/*.d.ts', { cwd: output })) {
    const path = join(output, file);
    const text = toDeclarationImports(readFileSync(path, 'utf8'));
    for (const name of importedPackages(text)) names.add(name);
    writeFileSync(path, text);
  }
  const manifest = JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  return Object.fromEntries(
    [...names].sort().map((name) => {
      const version = manifest['dependencies']?.[name] ?? manifest['devDependencies']?.[name];
      if (version === undefined)
        throw new Error(`the plugin API shows types of ${name}, which package.json does not list`);
      return [name, `^${version}`];
    }),
  );
}

const readme = `# @pvc/plugin-api

Types for plugins of PVC. There is no code in this package: import types from it with \`import type\`, and take the
functions from \`pvc.api\`, which a plugin gets when it is applied.

    import type { PluginDefinition } from '@pvc/plugin-api';

    const plugin: PluginDefinition = {
      name: 'example',
      api: '^${pluginApiVersion.split('.')[0] as string}',
      apply(pvc) {
        const { z, defineKind } = pvc.api;
      },
    };
    export default plugin;
`;

function main(): void {
  rmSync(output, { recursive: true, force: true });
  emitDeclarations();
  const manifest = {
    name: '@pvc/plugin-api',
    version: pluginApiVersion,
    description: 'Types for plugins of PVC',
    license: 'GPL-3.0-or-later',
    type: 'module',
    types: './index.d.ts',
    exports: {
      '.': { types: './index.d.ts' },
      // Augmented by plugins; that needs the module itself.
      './operation-types': { types: './operation/operation-types.d.ts' },
    },
    dependencies: dependencies(),
  };
  writeFileSync(join(output, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  writeFileSync(join(output, 'index.d.ts'), '/// <reference types="node" />\nexport * from \'./plugin/api.js\';\n');
  writeFileSync(join(output, 'README.md'), readme);
  console.log(`build: @pvc/plugin-api ${pluginApiVersion} in dist/plugin-api`);
}

if (import.meta.main) main();
