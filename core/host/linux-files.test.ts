import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { withCode } from '../../test/fixtures/expect.ts';
import { createLinuxHost } from './linux.ts';
import { linuxClock } from './linux-clock.ts';
import { linuxFiles as files } from './linux-files.ts';
import { linuxMachine, memoryMiB, prettyName } from './linux-machine.ts';
import { linuxNet } from './linux-net.ts';

const root = mkdtempSync(join(tmpdir(), 'pvc-files-'));
after(() => rmSync(root, { recursive: true }));
let directory = root;
let count = 0;
beforeEach(async () => {
  directory = join(root, `case${count++}`);
  await files.makeDirectory(directory);
});

describe('files', () => {
  it('answers undefined for what does not exist', async () => {
    for (const path of [join(directory, 'none'), join(directory, 'none/below')]) {
      assert.equal(await files.readText(path), undefined);
      assert.equal(await files.readBytes(path), undefined);
      assert.equal(await files.readSlice(path, 0, 10), undefined);
      assert.equal(await files.list(path), undefined);
      assert.equal(await files.stat(path), undefined);
    }
    await files.remove(join(directory, 'none'));
  });

  it('sets the mode of what exists, and leaves its group unless one is given', async () => {
    const path = join(directory, 'access');
    writeFileSync(path, 'x');
    const { gid } = statSync(path);
    await files.setAccess(path, 0o640);
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.equal(statSync(path).gid, gid);
    if (process.getuid?.() === 0) {
      await files.setAccess(path, 0o660, gid + 1);
      assert.deepEqual([statSync(path).mode & 0o777, statSync(path).gid, statSync(path).uid], [0o660, gid + 1, 0]);
    }
    await assert.rejects(files.setAccess(join(directory, 'none'), 0o600), withCode('FILE_FAILED'));
  });

  it('writes atomically: mode, content, nothing beside it', async () => {
    const path = join(directory, 'config');
    const before = process.umask(0o077);
    try {
      await files.writeAtomic(path, 'one');
      assert.equal(statSync(path).mode & 0o777, 0o600);
      await files.writeAtomic(path, new Uint8Array([1, 2, 255]), 0o644);
      assert.equal(statSync(path).mode & 0o777, 0o644, 'whatever the umask');
    } finally {
      process.umask(before);
    }
    assert.deepEqual(await files.readBytes(path), Buffer.from([1, 2, 255]));
    assert.deepEqual(readdirSync(directory), ['config']);
  });

  it('leaves the old file and nothing else when writing fails', async () => {
    const path = join(directory, 'taken');
    await files.makeDirectory(join(path, 'full'));
    await assert.rejects(files.writeAtomic(path, 'x'), withCode('FILE_FAILED')); // renaming over a directory
    assert.deepEqual(readdirSync(directory), ['taken']);
    await assert.rejects(files.writeAtomic(join(directory, 'none/x'), 'x'), withCode('FILE_FAILED'));
  });

  it('tells a full disk, and a place where nothing can be written', async () => {
    await assert.rejects(files.append('/dev/full', 'x'), withCode('DISK_FULL'));
    await assert.rejects(files.append('/proc/version', 'x'), /\/proc\/version/);
    await assert.rejects(files.writeAtomic('/proc/x', 'x'), /\/proc\/x/);
  });

  it('reads piece by piece, with the size of what is a file', async () => {
    const path = join(directory, 'long');
    const text = 'x'.repeat(600_000);
    writeFileSync(path, text);
    const source = await files.openRead(path);
    assert.ok(source);
    const pieces: Buffer[] = [];
    for await (const piece of source.body) pieces.push(Buffer.from(piece));
    await source.close();
    assert.deepEqual([source.sizeBytes, Buffer.concat(pieces).toString() === text], [600_000, true]);
    assert.ok(pieces.length > 1);
    assert.equal(await files.openRead(join(directory, 'none')), undefined);
    const device = await files.openRead('/dev/null');
    assert.equal(device?.sizeBytes, undefined);
    await device?.close();
    const folder = await files.openRead(directory);
    await assert.rejects(async () => {
      for await (const _piece of folder?.body ?? []);
    }, withCode('FILE_FAILED'));
    await folder?.close();
  });

  it('makes a file beside its place, which is as it was until the file is kept', async () => {
    const path = join(directory, 'made');
    writeFileSync(path, 'old');
    const dropped = await files.createBeside(path);
    await dropped.write(Buffer.from('new'));
    assert.equal(await files.readText(path), 'old');
    await dropped.drop();
    await dropped.drop();
    assert.deepEqual(readdirSync(directory), ['made']);
    const kept = await files.createBeside(path, 0o640);
    await kept.write(Buffer.from('ne'));
    await kept.write(Buffer.from('w'));
    await kept.keep();
    await kept.drop();
    assert.deepEqual([readdirSync(directory), await files.readText(path)], [['made'], 'new']);
    await assert.rejects(files.createBeside(join(directory, 'none/below')), withCode('FILE_FAILED'));
  });

  it('appends', async () => {
    const path = join(directory, 'log');
    await files.append(path, 'a');
    await files.append(path, 'ä');
    assert.equal(await files.readText(path), 'aä');
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  it('reads slices, also past the end', async () => {
    const path = join(directory, 'data');
    writeFileSync(path, '0123456789');
    const slice = async (offset: number, length: number): Promise<string> =>
      Buffer.from((await files.readSlice(path, offset, length)) ?? []).toString();
    assert.equal(await slice(2, 3), '234');
    assert.equal(await slice(8, 100), '89');
    assert.equal(await slice(10, 5), '');
    assert.equal(await slice(100, 5), '');
  });

  it('makes, lists, stats, renames and removes', async () => {
    const path = join(directory, 'a/b/c');
    await files.makeDirectory(path, 0o700);
    await files.makeDirectory(path, 0o700);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    writeFileSync(join(path, 'z'), 'zz');
    writeFileSync(join(path, 'y'), '');
    assert.deepEqual(await files.list(path), ['y', 'z']);
    const found = await files.stat(join(path, 'z'));
    assert.deepEqual([found?.size, found?.kind, found?.uid], [2, 'file', process.getuid?.()]);
    assert.equal((await files.stat(path))?.kind, 'directory');
    assert.equal((await files.stat('/dev/null'))?.kind, 'device');
    await files.rename(join(path, 'z'), join(directory, 'moved'));
    assert.equal(await files.readText(join(directory, 'moved')), 'zz');
    await assert.rejects(files.rename(join(path, 'none'), join(path, 'x')), withCode('FILE_FAILED'));
    await files.remove(join(directory, 'a'));
    assert.deepEqual(await files.list(directory), ['moved']);
    await assert.rejects(files.remove('/'), /root of all/);
    await assert.rejects(files.remove('/proc/../'), /root of all/);
  });

  it('tells that something in a directory has changed, until it is asked to stop', async () => {
    const stop = new AbortController();
    let told = Promise.withResolvers<void>();
    const watching = files.watch(directory, () => told.resolve(), stop.signal);
    for (const act of [
      () => writeFileSync(join(directory, 'a'), 'a'),
      () => files.rename(join(directory, 'a'), join(directory, 'b')),
      () => files.remove(join(directory, 'b')),
    ]) {
      told = Promise.withResolvers<void>();
      await Promise.resolve(act());
      await told.promise;
    }
    stop.abort();
    await watching;
    await assert.rejects(
      files.watch(join(directory, 'none'), () => {}, new AbortController().signal),
      withCode('FILE_FAILED'),
    );
  });

  it('follows no link when it removes', async () => {
    const target = join(directory, 'target');
    await files.makeDirectory(target);
    writeFileSync(join(target, 'keep'), '');
    symlinkSync(target, join(directory, 'link'));
    await files.remove(join(directory, 'link'));
    assert.deepEqual(await files.list(target), ['keep']);
  });

  it('names missing rights', { skip: process.getuid?.() === 0 && 'root may read everything' }, async () => {
    const path = join(directory, 'secret');
    writeFileSync(path, '');
    chmodSync(path, 0);
    await assert.rejects(files.readText(path), withCode('FILE_DENIED'));
  });
});

describe('net', () => {
  const net = linuxNet(linuxClock);

  it('connects to a socket file and to a port', async () => {
    for (const target of [{ path: join(directory, 'socket') }, { port: 0, host: '127.0.0.1' }]) {
      const server = createServer((socket) => socket.end('hello')).listen(target);
      await once(server, 'listening');
      const address = server.address();
      const to = typeof address === 'string' ? { path: address } : { host: '127.0.0.1', port: address?.port as number };
      const stream = await net.connect(to, 5000);
      assert.equal((await stream.toArray()).join(''), 'hello');
      server.close();
    }
  });

  it('says who cannot be reached and why', async () => {
    await assert.rejects(net.connect({ path: join(directory, 'none') }, 5000), /none: no such file/);
    await assert.rejects(net.connect({ host: '127.0.0.1', port: 1 }, 5000), (error: unknown) => {
      assert.ok(withCode('CONNECT_FAILED')(error));
      assert.match((error as Error).message, /127\.0\.0\.1:1: connection refused/);
      return true;
    });
  });
});

describe('machine', () => {
  it('knows this machine', async () => {
    const facts = await linuxMachine.facts();
    assert.match(facts.bootId, /^[0-9a-f-]{36}$/);
    assert.ok(facts.cpus > 0 && facts.memoryMiB > 100);
    const load = await linuxMachine.load();
    assert.ok(load.memoryAvailableMiB > 0 && load.memoryAvailableMiB <= facts.memoryMiB && load.uptimeS > 0);
  });

  it('reads the kernel and os-release formats', () => {
    assert.equal(memoryMiB('MemTotal:       24689512 kB\nMemFree: 1 kB\nMemAvailable:   2048 kB\n', 'MemTotal'), 24110);
    assert.equal(memoryMiB('MemTotal:       24689512 kB\nMemAvailable:   2048 kB\n', 'MemAvailable'), 2);
    assert.throws(() => memoryMiB('', 'MemTotal'));
    assert.equal(
      prettyName('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'),
      'Debian GNU/Linux 12 (bookworm)',
    );
    assert.equal(prettyName("PRETTY_NAME='x y'"), 'x y');
    assert.equal(prettyName('PRETTY_NAME=Void'), 'Void');
    assert.equal(prettyName(''), 'Linux');
  });
});

describe('clock', () => {
  it('runs on, sleeps, calls back and cancels', async () => {
    const { clock } = createLinuxHost({ destination: () => {} });
    const before = clock.monotonicMs();
    let cancelled = true;
    clock.after(1, () => {
      cancelled = false;
    })();
    let called = false;
    clock.after(0, () => {
      called = true;
    });
    await clock.sleep(20);
    assert.ok(clock.monotonicMs() - before >= 19);
    assert.deepEqual([cancelled, called], [true, true]);
    assert.ok(Math.abs(clock.wallMs() - Date.now()) < 1000);
    const uptimeMs = (await linuxMachine.load()).uptimeS * 1000;
    assert.ok(Math.abs(uptimeMs - clock.monotonicMs()) < 60_000, 'shared by all processes of a boot');
  });

  it('ends a sleep by its signal, and holds a delay beyond the longest timer', async () => {
    const abort = new AbortController();
    const slept = linuxClock.sleep(3_000_000_000, abort.signal);
    let early = false;
    const cancel = linuxClock.after(3_000_000_000, () => {
      early = true;
    });
    await linuxClock.sleep(10);
    abort.abort(new Error('enough'));
    await assert.rejects(slept, /enough/);
    assert.equal(early, false);
    cancel();
    await assert.rejects(linuxClock.sleep(5, abort.signal), /enough/);
  });
});
