import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createLinuxHost } from '../../../core/host/linux.ts';
import { type DiskFormat, diskFormat, inspectDiskFile } from './disk-file.ts';

const size = 32 * 1024 * 1024;

describe('disk images as qemu-img makes them', { timeout: 120_000 }, () => {
  const host = createLinuxHost({ destination: () => {} });
  let folder = '';
  const at = (name: string): string => join(folder, name);
  const img = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await host.processes.exec(['qemu-img', ...args], { timeoutMs: 60_000 });
    assert.equal(code, 0, stderr);
  };
  const problem = async (name: string, wanted?: DiskFormat): Promise<string | undefined> =>
    (await inspectDiskFile(host, 'hv1', at(name), wanted)).problem;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pvc-disk-file-'));
    const disk = Buffer.alloc(size, 7);
    // A master boot record without partitions: enough to be recognised.
    disk.fill(0, 446, 510);
    disk.set([0x80, 0, 2, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xff, 0, 0, 0], 446);
    disk.set([0x55, 0xaa], 510);
    await writeFile(at('disk.raw'), disk);
    for (const format of diskFormat.options)
      if (format !== 'raw') await img('convert', '-O', format, at('disk.raw'), at(`disk.${format}`));
  });
  after(() => rm(folder, { recursive: true }));

  for (const format of diskFormat.options) {
    it(`${format} is recognised`, async () => {
      const found = await inspectDiskFile(host, 'hv1', at(`disk.${format}`), undefined);
      assert.deepEqual([found.format, found.problem], [format, undefined]);
      assert.ok(found.sizeBytes >= size && found.sizeBytes < size * 1.1, String(found.sizeBytes));
    });
    if (format === 'raw') continue;
    it(`${format} that is cut off is not whole`, async () => {
      await img('convert', '-O', format, at('disk.raw'), at(`short.${format}`));
      await truncate(at(`short.${format}`), size / 2);
      const told = await problem(`short.${format}`).catch((error: unknown) => String(error));
      assert.match(told ?? 'taken for whole', /damaged|cut off|Check failed|Could not open/);
    });
  }

  it('a file that names another file is refused', async () => {
    await img('create', '-f', 'qcow2', '-b', at('disk.raw'), '-F', 'raw', at('over.qcow2'));
    assert.match((await problem('over.qcow2')) ?? '', /difference to another file/);
    await img('create', '-f', 'qcow2', '-o', `data_file=${at('data')},size=1M`, at('split.qcow2'));
    assert.match((await problem('split.qcow2')) ?? '', /data lies in another file/);
    await img('convert', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', at('disk.raw'), at('flat.vmdk'));
    assert.match((await problem('flat.vmdk')) ?? '', /VMDK of several files/);
  });

  it('what is no disk is taken for one only when that is said', async () => {
    await writeFile(at('zeros'), Buffer.alloc(1_048_576));
    await writeFile(at('text'), 'hello\n');
    for (const name of ['zeros', 'text']) assert.match((await problem(name)) ?? '', /--disk-format raw/);
    assert.equal(await problem('zeros', 'raw'), undefined);
    assert.match((await problem('text', 'raw')) ?? '', /size of 512 bytes/);
  });

  it('nothing, folders and empty files are refused', async () => {
    await writeFile(at('empty'), '');
    for (const [name, reason] of [
      ['nothing', /no such file/],
      ['.', /no file but a directory/],
      ['empty', /it is empty/],
    ] as const)
      await assert.rejects(problem(name), reason);
    await assert.rejects(problem('disk.raw', 'qcow2'), /not in qcow2 format/);
  });
});
