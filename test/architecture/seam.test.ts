/**
 * The lint configuration forbids reaching the operating system outside `core/host`. Planted files show
 * that it still does, line by line.
 * @module
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Each line is one offence. */
const offences = [
  "import { readFileSync } from 'node:fs'; readFileSync('x');",
  "import fsp from 'fs/promises'; await fsp.stat('x');",
  "import { spawn } from 'node:child_process'; spawn('x');",
  "import { connect } from 'node:net'; connect(1);",
  "import tls from 'node:tls'; tls.connect(1);",
  "import { createSocket } from 'node:dgram'; createSocket('udp4');",
  "import { hostname } from 'node:os'; hostname();",
  "import { setTimeout as wait } from 'node:timers/promises'; await wait(1);",
  "import { randomBytes } from 'node:crypto'; randomBytes(1);",
  "import * as c from 'node:crypto'; c.randomUUID();",
  "import process from 'node:process'; process.exit();",
  "export * from 'node:worker_threads';",
  "await import('node:fs');",
  "require('fs');",
  'crypto.randomUUID();',
  'Date.now();',
  "Date['now']();",
  'new Date();',
  'Math.random();',
  'process.env;',
  "process.env['HOME'];",
  'const { env } = process; env.HOME;',
  'globalThis.process.env;',
  "process.kill(1, 'SIGTERM');",
  'process.hrtime.bigint();',
  'performance.now();',
  'setTimeout(f, 1);',
  'setInterval(f, 1);',
  'setImmediate(f);',
  'const later = setTimeout; later(f, 1);',
  'globalThis.setTimeout(f, 1);',
  'AbortSignal.timeout(1);',
];

/** Look alike, and are allowed. */
const innocent = [
  "import type { Socket } from 'node:net'; export type S = Socket;",
  "import { createHash } from 'node:crypto'; createHash('sha256');",
  "import { createServer } from 'node:https'; createServer();",
  'new Date(0).toISOString();',
  'Date.parse("2026-01-01");',
  'host.clock.setTimeout(f, 1);',
  'const given = { setTimeout: f, now: f }; given.setTimeout();',
  'function go(setTimeout: () => void) { setTimeout(); } go(f);',
  'process.argv; process.stdout.write(""); process.exitCode = 1;',
  'Math.max(1, 2);',
];

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string; readonly message: string }[];
}

describe('lint rule pvc/host-seam', () => {
  let directory = '';
  const found = new Map<string, number>();

  const plant = (name: string, text: string): void => {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), `declare const f: () => void, host: any;\n${text}\nexport {};\n`);
  };

  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'pvc-seam-'));
    // It has lines of comment, which oxlint takes and JSON does not.
    const text = readFileSync(join(repository, '.oxlintrc.json'), 'utf8').replace(/^\s*\/\/.*$/gm, '');
    // The file has comments, each on a line of its own.
    const config = JSON.parse(text.replace(/^\s*\/\/.*$/gm, '')) as Record<string, unknown>;
    config['jsPlugins'] = [join(repository, 'build/lint/pvc.ts')];
    config['options'] = { typeAware: false };
    writeFileSync(join(directory, '.oxlintrc.json'), JSON.stringify(config));
    offences.forEach((text, index) => {
      plant(`core/model/bad-${index}.ts`, text);
      plant(`plugins/any/bad-${index}.ts`, text);
      plant(`core/host/fine-${index}.ts`, text);
      plant(`core/model/fine-${index}.test.ts`, text);
      plant(`test/fine-${index}.ts`, text);
      plant(`build/fine-${index}.ts`, text);
    });
    innocent.forEach((text, index) => plant(`core/model/innocent-${index}.ts`, text));
    const run = spawnSync(join(repository, 'node_modules/.bin/oxlint'), ['-f', 'json'], {
      cwd: directory,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    });
    const report = JSON.parse(run.stdout) as Report;
    for (const one of report.diagnostics)
      if (one.code === 'pvc(host-seam)') found.set(one.filename, (found.get(one.filename) ?? 0) + 1);
  });

  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const [index, text] of offences.entries())
    it(`refuses ${text}`, () => {
      assert.ok(found.has(`core/model/bad-${index}.ts`), 'in core');
      assert.ok(found.has(`plugins/any/bad-${index}.ts`), 'in a plugin');
    });

  for (const [index, text] of innocent.entries())
    it(`allows ${text}`, () => assert.equal(found.get(`core/model/innocent-${index}.ts`), undefined));

  it('leaves core/host, build and tests alone', () => {
    assert.deepEqual(
      [...found.keys()].filter((file) => file.includes('fine-')),
      [],
    );
  });
});
