/** Keys as Ceph's own tool reads them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { adminCaps, keyring } from './conf.ts';
import { cephKey } from './secret-key.ts';

describe('a key of Ceph', () => {
  it('is read by ceph-authtool, with its caps', () => {
    const folder = mkdtempSync(join(tmpdir(), 'pvc-key-'));
    try {
      const key = cephKey(randomBytes(16), Date.UTC(2030, 0, 1, 0, 0, 0, 7));
      const file = join(folder, 'keyring');
      writeFileSync(file, keyring([{ entity: 'client.admin', key, caps: adminCaps }]));
      const shown = execFileSync('ceph-authtool', [file, '--print-key', '--name', 'client.admin'], {
        encoding: 'utf8',
      });
      assert.equal(shown.trim(), key);
      assert.match(execFileSync('ceph-authtool', [file, '--list'], { encoding: 'utf8' }), /caps osd = "allow \*"/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('is made of 16 bytes', () => assert.throws(() => cephKey(new Uint8Array(8), 0), /16 bytes/));
});
