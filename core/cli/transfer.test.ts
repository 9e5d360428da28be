import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { VirtualFiles } from '../host/virtual-files.ts';
import { defineDownload, defineUpload } from '../operation/operation.ts';
import { OperationRegistry } from '../operation/registry.ts';
import { type FakeRunOptions, runFake } from './testing/run-fake.ts';
import { TransferMeter } from './transfer-line.ts';

const testError = defineErrors({ TEST_CUT: { message: 'cut', hint: 'h', http: 502, exit: 'unreachable' } });

const unused = async (): Promise<never> => {
  throw new Error('the command line does not run operations itself');
};
const disk = z.strictObject({ disk: z.string().describe('Name of the disk'), force: z.boolean().default(false) });

function registry(): OperationRegistry {
  const made = new OperationRegistry();
  const upload = {
    summary: 'Send a disk',
    role: 'operator',
    input: disk,
    output: z.unknown(),
    receive: unused,
  } as const;
  made.add(
    'core',
    defineUpload({
      ...upload,
      name: 'disk.upload',
      http: { method: 'PUT', path: '/disks/{disk}' },
      cli: { command: 'disk upload', arguments: [{ field: 'disk' }] },
    }),
  );
  made.add(
    'core',
    defineUpload({
      ...upload,
      name: 'disk.pour',
      http: { method: 'POST', path: '/disks/{disk}/pour' },
      cli: { command: 'disk pour', arguments: [{ field: 'disk' }], confirm: 'Pour over {disk}?' },
      sizeUnknown: true,
    }),
  );
  made.add(
    'core',
    defineDownload({
      name: 'disk.download',
      summary: 'Fetch a disk',
      http: { method: 'GET', path: '/disks/{disk}/content' },
      cli: { command: 'disk download', arguments: [{ field: 'disk' }] },
      role: 'viewer',
      input: z.strictObject({ disk: z.string() }),
      send: unused,
    }),
  );
  return made;
}

async function* pieces(...texts: readonly (string | Error)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    if (text instanceof Error) throw text;
    yield Buffer.from(text);
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const piece of body) text += Buffer.from(piece).toString();
  return text;
}

/** There is /d, with a file, a directory, and a file that may not be read. */
async function run(line: string, options: FakeRunOptions = {}) {
  const clock = new VirtualClock();
  const files = new VirtualFiles(clock);
  for (const directory of ['/run/pvc', '/d/sub']) await files.makeDirectory(directory);
  await files.writeAtomic('/run/pvc/pvc.sock', '');
  for (const name of ['full', 'secret']) await files.writeAtomic(`/d/${name}`, 'what was there');
  files.fault = (path) => (path === '/d/secret' || path.startsWith('/d/sub/') ? 'denied' : undefined);
  const ran = await runFake(line, { files, clock, parts: { registry }, ...options });
  const there = Object.keys(files.snapshot()).filter((path) => path.startsWith('/d/'));
  return { ...ran, there, text: (path: string) => files.snapshot()[path] };
}

const before = ['/d/full', '/d/secret'];

describe('pvc … upload', () => {
  it('sends a file with its size and prints the answer', async () => {
    let sent: unknown;
    const upload: FakeRunOptions['upload'] = async (body, { sizeBytes }) => {
      sent = [await textOf(body), sizeBytes];
      return { name: 'a' };
    };
    const ran = await run('disk upload a /d/full', { upload });
    assert.deepEqual([ran.code, sent], [0, ['what was there', 14]], ran.err);
    assert.deepEqual(ran.client.calls, [{ operation: 'disk.upload', input: { disk: 'a' }, plan: false }]);
    assert.match(ran.out, /^Name: +a\n$/);
    const asJson = await run('disk upload a /d/full --format json', { upload });
    assert.deepEqual(JSON.parse(asJson.out), { result: { name: 'a' }, warnings: [], request: 'r1' });
    assert.equal((await run('disk upload a /d/full', { upload: async () => null })).out, 'Done.\n');
    const warned = await run('disk upload a /d/full', { upload: async () => null, warnings: ['It is old.'] });
    assert.deepEqual([warned.out, warned.err], ['Done.\n', 'warning: It is old.\n']);
  });

  for (const [what, line, reason] of [
    ['that is not there', 'disk upload a /d/none', /FILE: the file \/d\/none cannot be read: there is no such file/],
    ['that is a directory', 'disk upload a /d/sub', /it is a directory/],
    ['that cannot be read', 'disk upload a /d/secret', /permission denied/],
    ['from a pipe, whose size is not known', 'disk upload a -', /How many bytes come out of -/],
    ['that is not named', 'disk upload a', /file/i],
  ] as const)
    it(`refuses a file ${what} before anything is sent`, async () => {
      const ran = await run(line);
      assert.equal(ran.code, 2, ran.err);
      assert.match(ran.err, reason);
      assert.deepEqual([ran.client.calls, ran.connections], [[], []]);
    });

  it('sends standard input where its size need not be known, once that is confirmed', async () => {
    let sent: unknown;
    const options: FakeRunOptions = {
      upload: async (body, { sizeBytes }) => {
        sent = [await textOf(body), sizeBytes];
        return null;
      },
      begin: (terminal) => terminal.keys.end('out of a pipe'),
    };
    assert.equal((await run('disk pour a -', options)).code, 2);
    assert.equal(sent, undefined);
    assert.equal((await run('disk pour a - --yes', options)).code, 0);
    assert.deepEqual(sent, ['out of a pipe', undefined]);
  });

  it('shows on a terminal how it gets on, and nothing with --quiet', async () => {
    const upload: FakeRunOptions['upload'] = async (body, { onProgress }) => {
      await textOf(body);
      onProgress?.({ message: 'converting', share: 0.5 });
      return null;
    };
    const shown = await run('disk upload a /d/full', { upload, columns: 120 });
    assert.match(shown.err, /0 % {2}0 B of 14 B/);
    assert.equal((await run('disk upload a /d/full', { upload })).err, 'converting\n');
    assert.equal((await run('disk upload a /d/full --quiet', { upload, columns: 120 })).err, '');
  });

  it('ends with 130 after Ctrl-C', async () => {
    const ran = await run('disk upload a /d/full', {
      upload: (_body, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
        ),
      begin: (terminal) => setTimeout(() => terminal.interrupt(), 10),
    });
    assert.equal(ran.code, 130);
  });
});

describe('pvc … download', () => {
  it('writes a file', async () => {
    const download = () => ({ sizeBytes: 6, body: pieces('abc', 'def') });
    const ran = await run('disk download a /d/new', { download });
    assert.deepEqual([ran.code, ran.out, ran.text('/d/new')], [0, '', 'abcdef'], ran.err);
    assert.match(ran.err, /^\/d\/new: 6 B in /);
    assert.deepEqual(ran.there, ['/d/full', '/d/new', '/d/secret']);
    const asJson = await run('disk download a /d/new -f json', { download });
    assert.deepEqual(JSON.parse(asJson.out), { name: '/d/new', sizeBytes: 6 });
  });

  it('writes bytes to standard output as they are', async () => {
    const ran = await run('disk download a -', { download: () => ({ body: pieces('ab', '\u001b[31m') }) });
    assert.deepEqual([ran.code, ran.out, ran.err], [0, 'ab\u001b[31m', '']);
  });

  it('replaces a file only when told to', async () => {
    const download = () => ({ body: pieces('new') });
    const refused = await run('disk download a /d/full', { download });
    assert.deepEqual([refused.code, refused.client.calls, refused.text('/d/full')], [2, [], 'what was there']);
    assert.match(refused.err, /it is there already[\s\S]*--force/);
    const done = await run('disk download a /d/full --force', { download });
    assert.deepEqual([done.code, done.text('/d/full'), done.there], [0, 'new', before]);
  });

  for (const [what, line, reason] of [
    ['a directory', 'disk download a /d/sub --force', /it is a directory/],
    ['a place where nobody may write', 'disk download a /d/sub/new', /No access to \/d\/sub\/new/],
    ['a directory that is not there', 'disk download a /none/new', /Cannot write \/none/],
  ] as const)
    it(`refuses ${what} before anything is asked for`, async () => {
      const ran = await run(line);
      assert.notEqual(ran.code, 0);
      assert.match(ran.err, reason);
      assert.deepEqual([ran.client.calls, ran.there], [[], before]);
    });

  it('leaves nothing of one that breaks off, that is interrupted, or for which the disk is too small', async () => {
    const broken = await run('disk download a /d/new', {
      download: () => ({ body: pieces('ab', testError('TEST_CUT')) }),
    });
    assert.deepEqual([broken.code, broken.there], [7, before]);
    const interrupted = await run('disk download a /d/full --force', {
      download: (signal) => ({
        body: (async function* () {
          yield Buffer.from('ab');
          await new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
          );
        })(),
      }),
      begin: (terminal) => setTimeout(() => terminal.interrupt(), 10),
    });
    assert.deepEqual(
      [interrupted.code, interrupted.there, interrupted.text('/d/full')],
      [130, before, 'what was there'],
    );
  });
});

describe('the line of a transfer', () => {
  it('has the share, the bytes, the rate of the last seconds and what is left', async () => {
    const meter = new TransferMeter(1000 * 1024);
    const plain = { colour: false };
    assert.match(meter.line(0, plain), / 0 % {2}0 B of 1000 KiB$/);
    meter.bytes = 100 * 1024;
    assert.match(meter.line(1000, plain), / 10 % {2}100 KiB of 1000 KiB, 100 KiB\/s, 9 s left$/);
    for (let second = 2; second < 10; second += 1) meter.line(second * 1000, plain);
    meter.bytes = 200 * 1024;
    assert.match(meter.line(10_000, plain), /, 20 KiB\/s, 40 s left$/);
    assert.equal(new TransferMeter(undefined).line(0, plain), '0 B');
    assert.match(new TransferMeter(0).line(0, plain), / 100 % /);
  });
});
