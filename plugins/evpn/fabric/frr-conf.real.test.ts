/** The golden files before FRR's own parser. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const golden = fileURLToPath(new URL('golden', import.meta.url));
const installed = existsSync('/usr/bin/vtysh') ? false : 'FRR is not installed';

describe('FRR', { skip: installed }, () => {
  for (const name of readdirSync(golden))
    it(`understands ${name}`, () => {
      // vtysh(1): --dryrun only reads; it tells every line that it does not know.
      const told = execFileSync('vtysh', ['--dryrun', '--inputfile', `${golden}/${name}`], { encoding: 'utf8' });
      assert.doesNotMatch(told, /Unknown command|error/i);
    });
});
