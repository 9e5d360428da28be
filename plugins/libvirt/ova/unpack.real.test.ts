import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLinuxHost } from '../../../core/host/linux.ts';
import { unpack } from './unpack.ts';

describe('an OVA', () => {
  let scratch = '';
  let archives = 0;

  /** A tar of these words of tar(1), made in a directory with some files. */
  function archive(...words: string[]): Buffer {
    archives += 1;
    const file = join(scratch, `${archives}.ova`);
    execFileSync('tar', ['--create', `--file=${file}`, `--directory=${join(scratch, 'source')}`, ...words]);
    return readFileSync(file);
  }

  function place(): string {
    const directory = join(scratch, `place${archives}`);
    mkdirSync(directory);
    return directory;
  }

  const send = (bytes: Uint8Array, directory: string): Promise<void> =>
    unpack(
      createLinuxHost({ destination: () => {} }),
      (async function* () {
        for (let at = 0; at < bytes.length; at += 4096) yield bytes.subarray(at, at + 4096);
      })(),
      directory,
      new AbortController().signal,
    );

  before(() => {
    scratch = mkdtempSync(join(tmpdir(), 'pvc-ova-'));
    const source = join(scratch, 'source');
    mkdirSync(join(source, 'deep'), { recursive: true });
    writeFileSync(join(source, 'web.ovf'), 'descriptor');
    writeFileSync(join(source, 'disk 1.vmdk'), Buffer.alloc(20_000, 'd'), { mode: 0o4777 });
    writeFileSync(join(source, 'deep', 'more'), 'more');
    symlinkSync('/etc/passwd', join(source, 'link'));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  it('is unpacked into its directory', async () => {
    const bytes = archive('web.ovf', 'disk 1.vmdk');
    const directory = place();
    await send(bytes, directory);
    assert.deepEqual(readdirSync(directory).toSorted(), ['disk 1.vmdk', 'web.ovf']);
    assert.equal(readFileSync(join(directory, 'disk 1.vmdk')).length, 20_000);
  });

  it('puts nothing outside of it, and nothing deeper', async () => {
    const bytes = archive('web.ovf', 'deep', '--transform=s,^web.ovf,../../outside.ovf,');
    const directory = place();
    await send(bytes, directory).catch(() => undefined);
    assert.deepEqual(
      readdirSync(scratch).filter((name) => name.includes('outside')),
      [],
    );
    assert.ok(!readdirSync(directory).includes('more'));
  });

  it('with a file twice is refused', async () => {
    const bytes = archive('web.ovf', 'disk 1.vmdk', '--transform=s,^disk 1.vmdk,web.ovf,');
    await assert.rejects(send(bytes, place()), /web\.ovf.*exists/i);
  });

  it('that is cut off is refused', async () => {
    const bytes = archive('web.ovf', 'disk 1.vmdk');
    await assert.rejects(send(bytes.subarray(0, 9_000), place()), /Unexpected EOF|cannot be imported/);
  });

  it('that is none is refused', async () => {
    archives += 1;
    await assert.rejects(send(Buffer.from('MZ'.repeat(2_000)), place()), /does not look like a tar archive/);
  });
});
