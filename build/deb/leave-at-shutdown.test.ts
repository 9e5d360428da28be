import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { inRepository } from '../paths.ts';

const script = inRepository('build/deb/leave-at-shutdown');
const bin = mkdtempSync(join(tmpdir(), 'pvc-leave-'));
const asked = join(bin, 'asked');

const program = (name: string, text: string): void =>
  writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });

/** Runs it with a systemd that says so; `systemctl is-system-running` ends with 0 for `running` alone. */
function run(state: string, leaves = 0) {
  rmSync(asked, { force: true });
  program('systemctl', `[ "$1" = is-system-running ] || exit 9\necho ${state}\n[ ${state} = running ]`);
  program('pvc', `echo "$@" >${asked}\nexit ${leaves}`);
  const { status, stdout } = spawnSync('sh', [script], {
    env: { PATH: `${bin}:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  let words = '';
  try {
    words = readFileSync(asked, 'utf8').trim();
  } catch {
    // It was not asked.
  }
  return { status, stdout, words };
}

describe('what the end of pvc-leave.service does', () => {
  after(() => rmSync(bin, { recursive: true }));

  for (const state of ['running', 'degraded', 'maintenance', 'starting', 'offline', 'unknown'])
    it(`leaves guests alone on a machine that is ${state}`, () => {
      const { status, stdout, words } = run(state);
      assert.deepEqual([status, words], [0, '']);
      assert.match(stdout, new RegExp(`does not go down \\(${state}\\)`));
    });

  it('brings them to safety when the machine goes down, and fails as that does', () => {
    assert.deepEqual(run('stopping'), { status: 0, stdout: '', words: 'node leave -' });
    assert.equal(run('stopping', 5).status, 5);
  });

  it('has the time that the command may take, and systemd half an hour for all', () => {
    const unit = readFileSync(inRepository('build/deb/pvc-leave.service'), 'utf8');
    const stopS = Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1]);
    assert.ok(stopS > 1_500 && stopS < 1_740, String(stopS));
    assert.match(readFileSync(inRepository('build/deb/pvcd.service'), 'utf8'), /^Wants=.*pvc-leave\.service/m);
  });
});
