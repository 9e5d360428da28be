/**
 * Makes sure that the executable under test is made from the sources as they are.
 * @module
 */
import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from './repository.ts';
import { run } from './run.ts';

/** What the executable is made from. */
const sources = ['core', 'plugins', 'build', 'package-lock.json'];

/** Where the build puts it. */
const executable: string = join(repository, 'dist/pvc');

/** Builds `dist/pvc` when it is missing or older than a source. @throws CommandFailed with what the build printed */
export async function ensureExecutable(
  options: { signal?: AbortSignal | undefined; onBuild?: () => void } = {},
): Promise<void> {
  if (existsSync(executable) && (await stat(executable)).mtimeMs >= (await newestSourceMs())) return;
  options.onBuild?.();
  await run(['npm', 'run', '--silent', 'build'], { cwd: repository, timeoutMs: 300_000, signal: options.signal });
}

async function newestSourceMs(): Promise<number> {
  let newestMs = 0;
  for (const name of sources) {
    const root = join(repository, name);
    if (!existsSync(root)) continue;
    const below = (await stat(root)).isDirectory() ? await readdir(root, { recursive: true }) : [];
    for (const entry of below) {
      // Tests are not in the executable; an editor's temporary file may be gone by now.
      if (entry.endsWith('.test.ts') || !existsSync(join(root, entry))) continue;
      newestMs = Math.max(newestMs, (await stat(join(root, entry))).mtimeMs);
    }
    newestMs = Math.max(newestMs, (await stat(root)).mtimeMs);
  }
  return newestMs;
}
