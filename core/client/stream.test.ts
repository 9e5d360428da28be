/** Uploads and downloads between the client and the API on real connections. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OpenDoors, openDoors } from '../../test/fixtures/api-doors.ts';
import { defineErrors } from '../error/error.ts';
import { audit } from '../operation/audit.ts';
import { createClient, type PvcClient } from './client.ts';

const testError = defineErrors({ TEST_REFUSED: { message: 'no', hint: 'h', http: 409, exit: 'refused' } });
const piece = Buffer.alloc(64 * 1024, 'x');

async function* bytes(size: number, asked: (sent: number) => void = () => {}): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < size; sent += piece.length) {
    asked(sent);
    yield piece.subarray(0, Math.min(piece.length, size - sent));
  }
}

async function withRex(doors: OpenDoors): Promise<{ client: PvcClient; path: string }> {
  const { address } = await doors.socket();
  const client = createClient({ socket: address });
  await client.call('pet.create', { name: 'rex' });
  return { client, path: address };
}

/** The lines of the only record of an operation. */
async function recordOf({ documents }: OpenDoors, operation: string) {
  const found = (await documents.list(audit)).filter(({ spec }) => spec.operation === operation);
  assert.equal(found.length, 1);
  return found[0]?.spec;
}

const until = async (what: string, done: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 500; turn += 1) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`never came: ${what}`);
};

describe('an upload', () => {
  for (const door of ['the socket', 'HTTPS'] as const)
    it(`goes through ${door}, with its input, its size, its answer and a record`, async (test) => {
      const doors = await openDoors(test);
      const { client: local } = await withRex(doors);
      const https = door === 'HTTPS' ? await doors.https() : undefined;
      using client =
        https === undefined
          ? local
          : createClient({
              url: `https://127.0.0.1:${https.port}`,
              token: await doors.token('operator'),
              caPem: doors.ca.cert,
            });
      let announced: number | undefined;
      doors.hooks.feed = async (body, run) => {
        announced = run.sizeBytes;
        let size = 0;
        for await (const part of body) size += part.length;
        return { size };
      };
      const size = 9 * 1024 * 1024 + 7;
      const answer = (await client.upload('pet.feed', { pet: 'rex', warm: true, note: 'secret' }, bytes(size), {
        sizeBytes: size,
      })) as { result: unknown; request: string };
      assert.deepEqual(answer.result, { size });
      assert.equal(announced, size);
      const record = await recordOf(doors, 'pet.feed');
      assert.deepEqual(record?.input, { pet: 'rex', warm: true, note: '***' });
      assert.deepEqual(record?.changes, [`${size} bytes to receive`, `received ${size} bytes`]);
      assert.equal(record?.via, door === 'HTTPS' ? 'https' : 'socket');
    });

  it('is taken no faster than it is consumed', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    const gate = Promise.withResolvers<void>();
    doors.hooks.feed = async (body) => {
      let size = 0;
      for await (const part of body) {
        size += part.length;
        if (size === part.length) await gate.promise;
      }
      return { size };
    };
    let sent = 0;
    const size = 64 * 1024 * 1024;
    const upload = client.upload(
      'pet.feed',
      { pet: 'rex' },
      bytes(size, (now) => (sent = now)),
      { sizeBytes: size },
    );
    let before = -1;
    // What fits into the buffers goes, and then nothing more.
    await until('the sender to be held back', () => {
      const still = sent > 0 && sent === before;
      before = sent;
      return still;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(sent < 8 * 1024 * 1024, `${sent} bytes were taken of a consumer that stands still`);
    gate.resolve();
    assert.deepEqual(((await upload) as { result: unknown }).result, { size });
    client.close();
  });

  it('tells how far the work after the last byte is, however long that takes', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    const told: unknown[] = [];
    const first = Promise.withResolvers<void>();
    doors.hooks.feed = async (body, run) => {
      run.progress('too early to be told');
      for await (const _part of body);
      run.progress('converting', 0.5);
      await first.promise;
      return 'done';
    };
    const answer = await client.upload('pet.feed', { pet: 'rex' }, bytes(100), {
      sizeBytes: 100,
      onProgress: (progress) => {
        told.push(progress);
        first.resolve();
      },
    });
    assert.equal((answer as { result: unknown }).result, 'done');
    assert.deepEqual(told, [{ message: 'converting', share: 0.5 }]);
    client.close();
  });

  it('fails with the error of its handler, before the last byte and after', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    const size = 32 * 1024 * 1024;
    let sent = 0;
    const send = () =>
      client.upload(
        'pet.feed',
        { pet: 'rex' },
        bytes(size, (now) => (sent = now)),
        { sizeBytes: size },
      );
    doors.hooks.feed = async (body) => {
      for await (const _part of body) throw testError('TEST_REFUSED');
    };
    await assert.rejects(send(), { code: 'TEST_REFUSED', http: 409 });
    assert.ok(sent < size / 2, 'the rest is not sent');
    doors.hooks.feed = async (body) => {
      for await (const _part of body);
      await new Promise((resolve) => setTimeout(resolve, 150)); // the answer has begun by then
      throw testError('TEST_REFUSED');
    };
    await assert.rejects(send(), { code: 'TEST_REFUSED', exit: 'refused' });
    doors.hooks.feed = async () => 'without reading it';
    await assert.rejects(send(), { code: 'INTERNAL' });
    client.close();
  });

  it('of a sender that breaks off, or whose file changes, is no upload', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    let undone = Promise.withResolvers<string>();
    doors.hooks.feed = async (body, { signal }) => {
      try {
        for await (const _part of body);
      } catch (error) {
        undone.resolve((error as { code: string }).code);
        assert.ok(signal.aborted);
        throw error;
      }
    };
    const size = 8 * 1024 * 1024;
    const leaving = new AbortController();
    for (const [what, body, code, theirs] of [
      ['gone', bytes(size, (sent) => sent > size / 2 && leaving.abort(new Error('Ctrl-C'))), undefined, 'STREAM_LEFT'],
      ['short', bytes(size - 1), 'UPLOAD_SIZE_WRONG', 'STREAM_LEFT'],
      ['long', bytes(size + 1), 'UPLOAD_SIZE_WRONG', 'STREAM_LEFT'],
    ] as const) {
      undone = Promise.withResolvers();
      const signal = what === 'gone' ? leaving.signal : new AbortController().signal;
      const failing = client.upload('pet.feed', { pet: 'rex' }, body, { sizeBytes: size, signal });
      await assert.rejects(failing, code === undefined ? /Ctrl-C/ : { code }, what);
      assert.match(await undone.promise, new RegExp(`^(?:${theirs}|UPLOAD_BROKEN)$`), what);
    }
    client.close();
  });

  it('is ended in order when the door closes', async (test) => {
    const doors = await openDoors(test);
    const listener = await doors.socket();
    using client = createClient({ socket: listener.address });
    await client.call('pet.create', { name: 'rex' });
    let undone = false;
    doors.hooks.feed = async (body) => {
      try {
        for await (const _part of body);
      } finally {
        await new Promise((resolve) => setTimeout(resolve, 50));
        undone = true;
      }
    };
    const begun = Promise.withResolvers<void>();
    const endless = async function* () {
      for (;;) {
        yield piece;
        begun.resolve();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const failing = assert.rejects(client.upload('pet.feed', { pet: 'rex' }, endless(), { sizeBytes: 1e9 }), {
      code: 'API_CLOSING',
    });
    await begun.promise;
    await Promise.all([listener.close(), doors.executor.streamsEnded(), failing]);
    assert.ok(undone);
    const record = await recordOf(doors, 'pet.feed');
    assert.match(record?.changes[1] ?? '', /^failed after \d+ bytes: API_CLOSING, /);
  });

  it('without a size is taken where that is allowed, up to the limit', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    const poured = await client.upload('pet.pour', { pet: 'rex' }, bytes(1000));
    assert.deepEqual((poured as { result: unknown }).result, { bytes: 1000 });
    await assert.rejects(client.upload('pet.pour', { pet: 'rex' }, bytes(1001)), { code: 'UPLOAD_TOO_LARGE' });
    const none = await client.upload('pet.feed', { pet: 'rex' }, bytes(0), { sizeBytes: 0 });
    assert.deepEqual((none as { result: unknown }).result, { bytes: 0 });
    client.close();
  });

  it('sends nothing of what is refused', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    let asked = 0;
    const body = (): AsyncIterable<Uint8Array> => bytes(10, () => (asked += 1));
    const never = new AbortController().signal;
    for (const [what, run, code] of [
      [
        'a field',
        () => client.upload('pet.feed', { pet: 'rex', cold: true }, body(), { sizeBytes: 10 }),
        'INPUT_INVALID',
      ],
      ['an object', () => client.upload('pet.feed', { pet: 'tom' }, body(), { sizeBytes: 10 }), 'OBJECT_NOT_FOUND'],
      ['no size', () => client.upload('pet.feed', { pet: 'rex' }, body()), 'UPLOAD_SIZE_UNKNOWN'],
      ['too much', () => client.upload('pet.pour', { pet: 'rex' }, body(), { sizeBytes: 1001 }), 'UPLOAD_TOO_LARGE'],
      ['a query', () => client.upload('pet.show', { pet: 'rex' }, body(), { sizeBytes: 10 }), 'CALL_INVALID'],
      ['a call of it', () => client.call('pet.feed', { pet: 'rex' }), 'CALL_INVALID'],
      ['a channel', () => client.channel('pet.feed', { pet: 'rex' }, never), 'CALL_INVALID'],
    ] as const)
      await assert.rejects(run(), { code }, what);
    assert.equal(asked, 0);
    client.close();
  });
});

describe('a download', () => {
  for (const size of [0, 3, 9 * 1024 * 1024 + 1])
    for (const known of [true, false])
      it(`of ${size} bytes, ${known ? 'known' : 'not known'} beforehand, comes whole`, async (test) => {
        const doors = await openDoors(test);
        const { client } = await withRex(doors);
        doors.hooks.picture = () => ({ body: bytes(size), ...(known ? { sizeBytes: size } : {}) });
        const { sizeBytes, body } = await client.download('pet.picture', { pet: 'rex' });
        // A short body is over before its head is sent, so that its length is known.
        if (known || size > piece.length * 2) assert.equal(sizeBytes, known ? size : undefined);
        let came = 0;
        for await (const part of body) came += part.length;
        assert.equal(came, size);
        const record = await recordOf(doors, 'pet.picture');
        assert.deepEqual(record?.changes, ['bytes to send', `sent ${size} bytes`]);
        client.close();
      });

  for (const [what, picture] of [
    ['fails half-way, its size known', () => ({ sizeBytes: 1e9, body: failing() })],
    ['fails half-way, its size not known', () => ({ body: failing() })],
    ['is shorter than it said', () => ({ sizeBytes: 2e6, body: bytes(1e6) })],
    ['is longer than it said', () => ({ sizeBytes: 1e6, body: bytes(2e6) })],
  ] as const)
    it(`that ${what} is known to be broken`, async (test) => {
      const doors = await openDoors(test);
      const { client } = await withRex(doors);
      doors.hooks.picture = picture;
      const { body } = await client.download('pet.picture', { pet: 'rex' });
      await assert.rejects(
        async () => {
          for await (const _part of body);
        },
        { code: 'DOWNLOAD_LOST', exit: 'unreachable' },
      );
      client.close();
    });

  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* bytes(4e6);
    throw new Error('the disk is gone');
  }

  it('that fails before its first byte is a plain error', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    doors.hooks.picture = () => ({
      body: (async function* () {
        throw testError('TEST_REFUSED');
      })(),
    });
    await assert.rejects(client.download('pet.picture', { pet: 'rex' }), { code: 'TEST_REFUSED', http: 409 });
    await assert.rejects(client.download('pet.picture', { pet: 'tom' }), { code: 'OBJECT_NOT_FOUND' });
    await assert.rejects(client.download('pet.feed', { pet: 'rex' }), { code: 'CALL_INVALID' });
    client.close();
  });

  it('is read no faster than it is taken, and let go of when its reader leaves', async (test) => {
    const doors = await openDoors(test);
    const { client } = await withRex(doors);
    let given = 0;
    const ended = Promise.withResolvers<void>();
    doors.hooks.picture = () => ({
      sizeBytes: 1e10,
      body: (async function* () {
        try {
          yield* bytes(1e10, (now) => (given = now));
        } finally {
          ended.resolve();
        }
      })(),
    });
    const { body } = await client.download('pet.picture', { pet: 'rex' });
    let before = -1;
    await until('the giver to be held back', () => {
      const still = given > 0 && given === before;
      before = given;
      return still;
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(given < 8 * 1024 * 1024, `${given} bytes were read for a reader that takes none`);
    for await (const _part of body) break;
    await ended.promise;
    await doors.executor.streamsEnded();
    const record = await recordOf(doors, 'pet.picture');
    assert.match(record?.changes[1] ?? '', /^failed after \d+ bytes: STREAM_LEFT, /);
    client.close();
  });
});
