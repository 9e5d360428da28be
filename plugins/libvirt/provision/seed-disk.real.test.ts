import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createLinuxHost } from '../../../core/host/linux.ts';
import { makeSeedDisk, seedBytes } from './seed-disk.ts';

const { signal } = new AbortController();

describe('the disk for cloud-init', () => {
  it('is an ISO 9660 file system with that label and those files, and leaves nothing behind', async () => {
    const host = createLinuxHost({ destination: () => {} });
    const scratch = await mkdtemp(join(tmpdir(), 'pvc-seed-'));
    try {
      const contents = { 'meta-data': 'instance-id: u\n', 'user-data': `#!/bin/sh\n${'x'.repeat(300_000)}\n` };
      const bytes = await makeSeedDisk(host, join(scratch, 'work'), contents, signal);
      assert.equal(bytes.length, seedBytes);
      assert.deepEqual(await readdir(scratch), []);
      const image = join(scratch, 'seed.iso');
      await writeFile(image, bytes);
      const ask = async (...argv: string[]) => {
        const { code, stdout } = await host.processes.exec(['isoinfo', '-i', image, ...argv], { timeoutMs: 20_000 });
        assert.equal(code, 0);
        return stdout;
      };
      assert.match(await ask('-d'), /^Volume id: CIDATA$/m);
      for (const [name, text] of Object.entries(contents)) assert.equal(await ask('-R', '-x', `/${name}`), text);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });

  it('is refused when it would not fit', async () => {
    const host = createLinuxHost({ destination: () => {} });
    const scratch = await mkdtemp(join(tmpdir(), 'pvc-seed-'));
    try {
      const made = makeSeedDisk(host, join(scratch, 'work'), { 'user-data': 'x'.repeat(seedBytes) }, signal);
      await assert.rejects(made, /could not be made: it has \d+ bytes/);
      assert.deepEqual(await readdir(scratch), []);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
});
