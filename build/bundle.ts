/**
 * First step of the build: everything that runs, in one CommonJS file. Modules reached only through
 * `import()` stay unevaluated until then, so `pvc --version` does not pay for the daemon.
 * @module
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build, type Metafile, type Plugin } from 'esbuild';
import type { BuildInfo } from '../core/host/build-info.ts';
import { inRepository } from './paths.ts';

export interface BundleOptions {
  readonly entry: string;
  readonly output: string;
  readonly buildInfo: BuildInfo;
}

/** Name of the embedded SQLite driver among the assets. */
export const sqliteAsset = 'sqlite.node';
export const sqliteAddon = inRepository('node_modules/better-sqlite3/prebuilds/linux-x64.node');

/** Turns the import of a native addon into a call of `loadNative`, which takes it from the assets. */
const embeddedAddons: Plugin = {
  name: 'embedded-addons',
  setup(bundler) {
    bundler.onResolve({ filter: /\.node$/ }, (found) => {
      if (!found.path.endsWith('/linux-x64.node') || !found.importer.includes('better-sqlite3'))
        return { errors: [{ text: `unknown native addon ${found.path}: only SQLite's is embedded` }] };
      return { path: sqliteAsset, namespace: 'embedded-addon' };
    });
    bundler.onLoad({ filter: /./, namespace: 'embedded-addon' }, (found) => ({
      contents: `module.exports = require(${JSON.stringify(inRepository('core/host/native.ts'))}).loadNative(${JSON.stringify(found.path)});`,
      resolveDir: inRepository('.'),
      loader: 'js',
    }));
  },
};

/** A source map of one line that leads nowhere. */
const emptyMap = `//# sourceMappingURL=data:application/json;base64,${Buffer.from('{"version":3,"sources":[""],"mappings":"A"}').toString('base64')}`;

/** Maps of libraries would be two thirds of the bundle; a stack needs lines of our own code. */
const unmappedLibraries: Plugin = {
  name: 'unmapped-libraries',
  setup(bundler) {
    bundler.onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, (found) => ({
      contents: `${readFileSync(found.path, 'utf8')}\n${emptyMap}`,
      loader: 'js',
    }));
  },
};

/**
 * `import.meta.url` does not exist in CommonJS. What it stands for in the binary is the binary itself:
 * `createRequire` of it resolves absolute paths and Node's own modules.
 */
const banner = "const __pvcUrl = require('node:url').pathToFileURL(process.execPath).href;";

/**
 * Bundles the entry point.
 * @returns what went into the bundle, for the third-party notices and for the import tests
 * @throws when anything cannot be resolved, and on every warning of the bundler
 */
export async function bundle(options: BundleOptions): Promise<Metafile> {
  mkdirSync(dirname(options.output), { recursive: true });
  const result = await build({
    absWorkingDir: inRepository('.'),
    entryPoints: [options.entry],
    outfile: options.output,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    // What is left of import() are Node's own modules, and require is quicker at those.
    supported: { 'dynamic-import': false },
    minify: true,
    keepNames: true,
    sourcemap: 'external',
    sourcesContent: false,
    metafile: true,
    legalComments: 'none',
    banner: { js: banner },
    define: { 'import.meta.url': '__pvcUrl', PVC_BUILD_INFO: JSON.stringify(options.buildInfo) },
    plugins: [embeddedAddons, unmappedLibraries],
    logLevel: 'silent',
  });
  const [warning] = result.warnings;
  if (warning !== undefined)
    throw new Error(`bundle: ${warning.text} (${warning.location?.file ?? 'no file'}:${warning.location?.line ?? 0})`);
  writeFileSync(`${options.output}.map.br`, brotliCompressSync(readFileSync(`${options.output}.map`)));
  return result.metafile;
}

/** Version of package.json, for the binary and the packages made of it. */
export function packageVersion(): string {
  return (JSON.parse(readFileSync(inRepository('package.json'), 'utf8')) as { version: string }).version;
}
