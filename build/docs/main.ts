/**
 * `npm run docs`: writes the pages of `docs/reference`. With `-- --check` it writes nothing and fails when a
 * page is not what it would write.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { inRepository } from '../paths.ts';
import { referencePages } from './pages.ts';

const { values: options } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

for (const [path, text] of await referencePages()) {
  const file = inRepository(path);
  const current = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (current === text) continue;
  if (options.check) {
    process.stderr.write(`${path} is not current: npm run docs\n`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  process.stdout.write(`${path} written\n`);
}
