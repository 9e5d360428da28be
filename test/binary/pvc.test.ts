/** The executable that `npm run build` made. @module */
import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { packageVersion } from '../../build/bundle.ts';
import { binaryFile } from '../../build/paths.ts';
import { runBare } from './fixture.ts';

describe('dist/pvc', () => {
  before(() => assert.ok(existsSync(binaryFile), 'run "npm run build" first'));

  it('is at most 120 MB', () => assert.ok(statSync(binaryFile).size <= 120e6, `${statSync(binaryFile).size} bytes`));

  it('tells version and commit with an empty environment', () => {
    const { status, stdout, stderr } = runBare(binaryFile, ['--version']);
    assert.equal(status, 0, stderr);
    assert.equal(stderr, '');
    assert.ok(stdout.includes(packageVersion()), stdout);
  });

  it('ignores NODE_OPTIONS', () => {
    const { status, stderr } = runBare(binaryFile, ['--version'], { NODE_OPTIONS: '--bogus' });
    assert.equal(status, 0, stderr);
  });

  it('carries the notices of the software in it', () => {
    const { status, stdout, stderr } = runBare(binaryFile, ['licenses']);
    assert.equal(status, 0, stderr);
    const head = stdout.slice(0, 6000);
    assert.ok(/^Node\.js \d+\.\d+\.\d+: MIT/m.test(head), head.slice(0, 200));
    assert.ok(/^zod \d+\.\d+\.\d+: MIT$/m.test(head), 'zod is part of every pvc');
  });

  it('answers a wrong command with a usage error, not a stack', () => {
    const { status, stdout, stderr } = runBare(binaryFile, ['no-such-command']);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.doesNotMatch(stderr, /^\s+at /m);
  });
});
