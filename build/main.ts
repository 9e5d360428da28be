/**
 * `npm run build`: bundle, compile, notices, pack. Prints what each step took and how large the result is.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { compiledAsset, programAsset } from '../core/host/program-text.ts';
import { mapAsset } from '../core/host/stack.ts';
import { bundle, packageVersion, sqliteAddon, sqliteAsset } from './bundle.ts';
import { compilePvc } from './compiled.ts';
import { writeNotices } from './notices.ts';
import { addAsset, listAssets, pack } from './pack.ts';
import {
  assetDirectory,
  binaryFile,
  bootEntry,
  bootFile,
  bundleFile,
  compiledFile,
  entryPoint,
  inRepository,
} from './paths.ts';

/** Short commit of the source, `-dirty` when tracked files differ from it; `unknown` outside a git checkout. */
function sourceCommit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], {
      cwd: inRepository('.'),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}

async function step<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const from = performance.now();
  const result = await work();
  console.log(`build: ${name} ${((performance.now() - from) / 1000).toFixed(1)} s`);
  return result;
}

const megabytes = (path: string): string => `${(statSync(path).size / 1e6).toFixed(1)} MB`;

rmSync(assetDirectory, { recursive: true, force: true });
addAsset(assetDirectory, sqliteAsset, sqliteAddon);
const buildInfo = { version: packageVersion(), commit: sourceCommit() };
const metafile = await step('bundle', () => bundle({ entry: entryPoint, output: bundleFile, buildInfo }));
await step('boot', () => bundle({ entry: bootEntry, output: bootFile, buildInfo }));
await step('compile', () => compilePvc(bundleFile, compiledFile));
addAsset(assetDirectory, mapAsset, `${bundleFile}.map.br`);
addAsset(assetDirectory, programAsset, bundleFile);
addAsset(assetDirectory, compiledAsset, compiledFile);
await step('notices', () => writeNotices(metafile, assetDirectory));
await step('pack', () => pack({ boot: bootFile, output: binaryFile, assets: listAssets(assetDirectory) }));
console.log(
  `build: pvc ${buildInfo.version} (${buildInfo.commit}), bundle ${megabytes(bundleFile)}, dist/pvc ${megabytes(binaryFile)}`,
);
