/**
 * Packs the fixture program with the functions that pack the real one.
 * @module
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, sqliteAddon, sqliteAsset } from '../../build/bundle.ts';
import { compileProgram } from '../../build/compiled.ts';
import { pack } from '../../build/pack.ts';
import { bootEntry, inRepository } from '../../build/paths.ts';
import { compiledAsset, programAsset } from '../../core/host/program-text.ts';
import { mapAsset } from '../../core/host/stack.ts';

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Fixture {
  readonly binary: string;
  /** Scratch directory, removed with the fixture. */
  readonly directory: string;
  remove(): void;
}

/** Runs a program with nothing in its environment but what is given: no PATH that helps, no HOME. */
export function runBare(binary: string, args: readonly string[], env: Record<string, string> = {}): Run {
  const { status, stdout, stderr, error } = spawnSync(binary, args, {
    env: { PATH: '/nonexistent', ...env },
    cwd: '/',
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 16 << 20,
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** Bundles and packs `test/fixtures/binary/main.ts`. */
export async function packFixture(): Promise<Fixture> {
  // Not /tmp: the tests mount an empty one over it.
  const directory = mkdtempSync('/var/tmp/pvc-binary-');
  const bundleFile = join(directory, 'fixture.cjs');
  const bootFile = join(directory, 'boot.cjs');
  const compiled = join(directory, 'fixture.cache');
  const binary = join(directory, 'fixture');
  const buildInfo = { version: '1.2.3', commit: 'abc' };
  const note = join(directory, 'note');
  writeFileSync(note, 'a note\n');
  await bundle({
    entry: inRepository('test/fixtures/binary/main.ts'),
    output: bundleFile,
    buildInfo,
  });
  await bundle({ entry: bootEntry, output: bootFile, buildInfo });
  await compileProgram(bundleFile, compiled, ['version']);
  await pack({
    boot: bootFile,
    output: binary,
    assets: {
      [programAsset]: bundleFile,
      [compiledAsset]: compiled,
      [sqliteAsset]: sqliteAddon,
      [mapAsset]: `${bundleFile}.map.br`,
      'notes/a.txt': note,
    },
  });
  return { binary, directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
