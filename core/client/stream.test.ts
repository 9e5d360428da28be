/** Uploads and downloads between the client and the API on real connections. @module */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type OpenDoors, openDoors } from '../../test/fixtures/api-doors.ts';
import { audit } from '../operation/audit.ts';
import { createClient, type PvcClient } from './client.ts';

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
