/** Uploads and downloads as other clients send them, byte by byte on the doors. @module */
import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type OpenDoors, openDoors, send, sendRaw } from '../../test/fixtures/api-doors.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { audit } from '../operation/audit.ts';
import { listenSocket } from './listen.ts';
import { json } from './testing/sample-api.ts';

const head = (line: string, ...headers: readonly string[]): string =>
  [`${line} HTTP/1.1`, 'Host: pvc', ...headers, '', ''].join('\r\n');

async function withRex(doors: OpenDoors): Promise<string> {
  const { address } = await doors.socket();
  assert.equal((await doors.ask('/api/v1/pets', json('POST', { name: 'rex' }))).status, 200);
  return address;
}

const changesOf = async ({ documents }: OpenDoors, operation: string): Promise<readonly string[]> =>
  (await documents.list(audit)).filter(({ spec }) => spec.operation === operation).flatMap(({ spec }) => spec.changes);

const untilEnded = async (doors: OpenDoors, operation: string): Promise<string> => {
  for (let turn = 0; turn < 500; turn += 1) {
    const [, ended] = await changesOf(doors, operation);
    if (ended !== undefined) return ended;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return assert.fail('the record was never completed');
};

describe('an upload on the door', () => {
  it('is one that curl sends, asked first or not, and answers with events', async (test) => {
    const doors = await openDoors(test);
    const path = await withRex(doors);
    for (const expect of [[], ['Expect: 100-continue']]) {
      const request = head('PUT /api/v1/pets/rex/food?warm=true', 'Content-Length: 5', 'Connection: close', ...expect);
      const text = await sendRaw(path, `${request}12345`);
      if (expect.length > 0) assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\n/);
      assert.match(text, /HTTP\/1\.1 200 OK\r\n/);
      assert.match(text, /content-type: text\/event-stream/i);
      assert.match(text, /event: result\r?\ndata: \{"result":\{"bytes":5\},"warnings":\[\],"request":"[0-9a-z]+"\}/);
    }
  });

  for (const [what, line, headers, status, code] of [
    ['without a size', 'PUT /api/v1/pets/rex/food', ['Transfer-Encoding: chunked'], 411, 'UPLOAD_SIZE_UNKNOWN'],
    [
      'of a type of its own',
      'PUT /api/v1/pets/rex/food',
      ['Content-Length: 9', 'Content-Type: application/json'],
      415,
      'CONTENT_TYPE_WRONG',
    ],
    [
      'as a form',
      'PUT /api/v1/pets/rex/food',
      ['Content-Length: 9', 'Content-Type: multipart/form-data; boundary=x'],
      415,
      'CONTENT_TYPE_WRONG',
    ],
    ['packed', 'PUT /api/v1/pets/rex/food', ['Content-Length: 9', 'Content-Encoding: gzip'], 415, 'CONTENT_TYPE_WRONG'],
    ['with a field that there is not', 'PUT /api/v1/pets/rex/food?cold=1', ['Content-Length: 9'], 422, 'INPUT_INVALID'],
    ['with a value that is none', 'PUT /api/v1/pets/rex/food?warm=maybe', ['Content-Length: 9'], 422, 'INPUT_INVALID'],
    ['that contradicts its path', 'PUT /api/v1/pets/rex/food?pet=tom', ['Content-Length: 9'], 400, 'FIELD_CONTRADICTS'],
    ['to what there is not', 'PUT /api/v1/pets/tom/food', ['Content-Length: 9'], 404, 'OBJECT_NOT_FOUND'],
    ['by another method', 'POST /api/v1/pets/rex/food', ['Content-Length: 9'], 405, 'METHOD_WRONG'],
    ['too large', 'POST /api/v1/pets/rex/water', ['Content-Length: 1001'], 413, 'UPLOAD_TOO_LARGE'],
  ] as const)
    it(`${what} is refused before its body is sent`, async (test) => {
      const doors = await openDoors(test);
      const path = await withRex(doors);
      // Who asks first and is refused sends nothing: no byte of a body is needed for the answer.
      const text = await sendRaw(path, head(line, ...headers, 'Expect: 100-continue'));
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(text, new RegExp(`"code":"${code}"`));
      assert.doesNotMatch(text, /100 Continue/);
    });

  it('needs the role, and a token, before its body is sent', async (test) => {
    const doors = await openDoors(test);
    await withRex(doors);
    const { port } = await doors.https();
    const options = { ca: doors.ca.cert, host: 'localhost', port, method: 'PUT', path: '/api/v1/pets/rex/food' };
    const refused = await send({ ...options, headers: { 'content-length': '9', expect: '100-continue' } });
    assert.equal(refused.status, 401);
    const authorization = `Bearer ${await doors.token('viewer')}`;
    const low = await send({ ...options, headers: { 'content-length': '9', expect: '100-continue', authorization } });
    assert.deepEqual([low.status, JSON.parse(low.body).code], [403, 'ROLE_TOO_LOW']);
    assert.deepEqual(await changesOf(doors, 'pet.feed'), []);
  });

  it('that ends before its announced end is none, and its handler hears of it', async (test) => {
    for (const [request, body] of [
      [head('PUT /api/v1/pets/rex/food', 'Content-Length: 100'), '12345'],
      [head('POST /api/v1/pets/rex/water', 'Transfer-Encoding: chunked'), '5\r\n12345\r\n'],
      [head('POST /api/v1/pets/rex/water', 'Transfer-Encoding: chunked'), '5\r\n12345\r\nno chunk\r\n'],
    ] as const) {
      const doors = await openDoors(test);
      const path = await withRex(doors);
      const heard = Promise.withResolvers<unknown>();
      doors.hooks.feed = async (sent, { signal }) => {
        for await (const _part of sent)
          signal.addEventListener('abort', () => heard.resolve((signal.reason as { code: string }).code));
        return 'all of it';
      };
      void sendRaw(path, request + body, (socket) => setTimeout(() => socket.end(), 100));
      assert.match(String(await heard.promise), /^(?:STREAM_LEFT|UPLOAD_BROKEN)$/);
      assert.match(
        await untilEnded(doors, request.startsWith('PUT') ? 'pet.feed' : 'pet.pour'),
        /^failed after 5 bytes: (?:STREAM_LEFT|UPLOAD_BROKEN)/,
      );
    }
  });

  it('may take longer than another request, which is ended after a minute', async (test) => {
    const doors = await openDoors(test);
    const clock = new VirtualClock();
    await doors.ask('/api/v1/pets', json('POST', { name: 'rex' }));
    const path = join(doors.directory, 'slow.sock');
    const listener = await listenSocket({ ...doors.parts, host: { ...doors.parts.host, clock }, path });
    const open = async (text: string) => {
      const socket = createConnection(path);
      let answer = '';
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('error', () => undefined);
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      await new Promise((resolve) => socket.write(text, resolve));
      await new Promise((resolve) => setTimeout(resolve, 150));
      return { socket, closed, answer: () => answer };
    };
    const slow = await open(`${head('POST /api/v1/pets', 'Content-Type: application/json', 'Content-Length: 9')}{`);
    const upload = await open(`${head('PUT /api/v1/pets/rex/food', 'Content-Length: 9', 'Connection: close')}1`);
    await clock.advance(61_000);
    await slow.closed;
    assert.match(slow.answer(), /^HTTP\/1\.1 408 /);
    upload.socket.write('23456789');
    await upload.closed;
    assert.match(upload.answer(), /"bytes":9/);
    const closing = listener.close();
    await clock.advance(10_000);
    await closing;
  });
});

describe('a download on the door', () => {
  it('has its length and its type, and HEAD asks for nothing', async (test) => {
    const doors = await openDoors(test);
    const path = await withRex(doors);
    const answer = await send({ socketPath: path, path: '/api/v1/pets/rex/picture' });
    assert.deepEqual(
      [answer.status, answer.headers['content-type'], answer.headers['content-length'], answer.body],
      [200, 'application/octet-stream', '3', 'rex'],
    );
    doors.hooks.picture = () => assert.fail('it is not opened for that');
    const asked = await send({ socketPath: path, path: '/api/v1/pets/rex/picture', method: 'HEAD' });
    assert.deepEqual([asked.status, asked.headers['content-type']], [200, 'application/octet-stream']);
  });

  it('that fails has no end by which it could be taken for a whole one', async (test) => {
    const doors = await openDoors(test);
    const path = await withRex(doors);
    doors.hooks.picture = () => ({
      body: (async function* () {
        for (let turn = 0; turn < 40; turn += 1) yield Buffer.alloc(64 * 1024, 'x');
        throw new Error('the disk is gone');
      })(),
    });
    const text = await sendRaw(path, head('GET /api/v1/pets/rex/picture'));
    assert.match(text, /transfer-encoding: chunked/i);
    assert.doesNotMatch(text, /\r\n0\r\n\r\n$|the disk is gone/);
    assert.match(await untilEnded(doors, 'pet.picture'), /the disk is gone/);
  });
});
