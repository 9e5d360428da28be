import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type Duplex, PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { type OpenDoors, openDoors, sendRaw } from '../../test/fixtures/api-doors.ts';
import { apiError } from './api-errors.ts';
import { echo, json } from './testing/sample-api.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const until = async (what: string, done: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 500; turn += 1) {
    if (done()) return;
    await pause(10);
  }
  assert.fail(`never came: ${what}`);
};

async function ready(
  test: Parameters<typeof openDoors>[0],
): Promise<OpenDoors & { path: string; close: () => Promise<void> }> {
  const doors = await openDoors(test);
  await doors.ask('/api/v1/pets', json('POST', { name: 'rex' }));
  const { address, close } = await doors.socket();
  return { ...doors, path: address, close };
}

const dial = (path: string, target = '/api/v1/pets/rex/talk'): WebSocket => new WebSocket(`ws+unix:${path}:${target}`);

const opened = (socket: WebSocket): Promise<void> =>
  new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));

const closed = (socket: WebSocket): Promise<{ code: number; reason: string }> =>
  new Promise((resolve) =>
    socket.once('close', (code: number, reason: Buffer) => resolve({ code, reason: reason.toString() })),
  );

/** The plain answer to a refused handshake. */
const refusal = (socket: WebSocket): Promise<{ status: number; type: string; code: string }> =>
  new Promise((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was accepted')));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          code: (JSON.parse(text) as { code: string }).code,
        }),
      );
    });
  });

describe('channels', () => {
  it('carry bytes both ways, and end well when the caller does', async (test) => {
    const doors = await ready(test);
    const stream = echo();
    doors.hooks.talk = () => stream;
    const socket = dial(doors.path);
    await opened(socket);
    const answer = new Promise<Buffer>((resolve) => socket.once('message', (data) => resolve(data as Buffer)));
    socket.send(Buffer.from([0, 255, 10]));
    assert.deepEqual([...(await answer)], [0, 255, 10]);
    socket.close(1000);
    assert.equal((await closed(socket)).code, 1000);
    await until('the end of the stream', () => stream.destroyed);
  });

  it('hold back whoever is faster, both ways, and lose nothing', async (test) => {
    const doors = await ready(test);
    const total = 24 * 1024 * 1024;
    let passed = 0;
    const stream = echo();
    const push = stream.push.bind(stream);
    stream.push = (chunk: Buffer | null) => {
      passed += chunk?.length ?? 0;
      return push(chunk);
    };
    doors.hooks.talk = () => stream;
    const socket = dial(doors.path);
    await opened(socket);
    socket.pause();
    const sent = createHash('sha256');
    for (let at = 0; at < total; at += 64 * 1024) {
      const chunk = Buffer.alloc(64 * 1024, (at / 65_536) % 251);
      sent.update(chunk);
      socket.send(chunk);
    }
    // Everything that may move without a reader has moved when the count stands still.
    let before = -1;
    while (before !== passed) {
      before = passed;
      await pause(150);
    }
    assert.ok(passed < 4 * 1024 * 1024, `${passed} bytes went through although nobody reads`);
    assert.ok(socket.bufferedAmount > total / 2, 'the sender is held as well');
    const received = createHash('sha256');
    let size = 0;
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        received.update(data);
        size += data.length;
        if (size === total) resolve();
      });
    });
    socket.resume();
    await all;
    assert.equal(received.digest('hex'), sent.digest('hex'));
    socket.terminate();
    await until('the end of the stream', () => stream.destroyed);
  });

  it('tell code and message when the stream fails', async (test) => {
    const doors = await ready(test);
    const stream = new PassThrough();
    doors.hooks.talk = () => stream;
    const socket = dial(doors.path);
    await opened(socket);
    const end = closed(socket);
    stream.destroy(apiError('REQUEST_INVALID', { reason: `ü${'long '.repeat(100)}` }));
    const { code, reason } = await end;
    assert.equal(code, 1011);
    assert.ok(Buffer.byteLength(reason) <= 123);
    const told = JSON.parse(reason) as { code: string; detail: string };
    assert.equal(told.code, 'REQUEST_INVALID');
    assert.match(told.detail, /^This request cannot/);
  });

  it('hide unexpected errors', async (test) => {
    const doors = await ready(test);
    const stream = new PassThrough();
    doors.hooks.talk = () => stream;
    const socket = dial(doors.path);
    await opened(socket);
    const end = closed(socket);
    stream.destroy(new Error('inner detail'));
    const { code, reason } = await end;
    assert.equal(code, 1011);
    assert.equal((JSON.parse(reason) as { code: string }).code, 'INTERNAL');
    assert.ok(doors.logLines.some((line) => line.includes('inner detail')));
  });

  it('end with the stream, refuse text, and say goodbye when the listener closes', async (test) => {
    const doors = await ready(test);
    const ending = new PassThrough();
    doors.hooks.talk = () => ending;
    const one = dial(doors.path);
    await opened(one);
    const last = new Promise<string>((resolve) => one.once('message', (data) => resolve((data as Buffer).toString())));
    ending.push('bye');
    ending.push(null);
    assert.equal((await closed(one)).code, 1000);
    assert.equal(await last, 'bye', 'what was sent before the end arrives');

    doors.hooks.talk = echo;
    const texting = dial(doors.path);
    await opened(texting);
    texting.send('text');
    assert.equal((await closed(texting)).code, 1003);

    const stream = echo();
    doors.hooks.talk = () => stream;
    const staying = dial(doors.path);
    await opened(staying);
    const end = closed(staying);
    await doors.close();
    assert.equal((await end).code, 1001);
    await until('the end of the stream', () => stream.destroyed);
  });

  it('are dropped when the message is too large', async (test) => {
    const doors = await ready(test);
    const stream = echo();
    doors.hooks.talk = () => stream;
    const socket = dial(doors.path);
    await opened(socket);
    socket.on('error', () => undefined);
    const end = closed(socket);
    socket.send(Buffer.alloc(2 * 1024 * 1024));
    assert.equal((await end).code, 1009);
    await until('the end of the stream', () => stream.destroyed);
  });
});

describe('handshakes', () => {
  it('are refused with a plain answer before anything is upgraded', async (test) => {
    const doors = await ready(test);
    const problem = 'application/problem+json';
    assert.deepEqual(await refusal(dial(doors.path, '/api/v1/pets/tom/talk')), {
      status: 404,
      type: problem,
      code: 'OBJECT_NOT_FOUND',
    });
    assert.deepEqual(await refusal(dial(doors.path, '/api/v1/pets/rex/talk?volume=11')), {
      status: 422,
      type: problem,
      code: 'INPUT_INVALID',
    });
    assert.deepEqual(await refusal(dial(doors.path, '/api/v1/pets/rex')), {
      status: 400,
      type: problem,
      code: 'UPGRADE_UNEXPECTED',
    });
    assert.deepEqual(await refusal(dial(doors.path, '/api/v1')), {
      status: 400,
      type: problem,
      code: 'UPGRADE_UNEXPECTED',
    });
    assert.deepEqual(await refusal(dial(doors.path, '/nothing')), {
      status: 404,
      type: problem,
      code: 'ROUTE_UNKNOWN',
    });
    doors.hooks.talk = () => {
      throw new Error('inner detail');
    };
    assert.deepEqual(await refusal(dial(doors.path)), { status: 500, type: problem, code: 'INTERNAL' });
  });

  it('want a token over HTTPS', async (test) => {
    const doors = await ready(test);
    const { port } = await doors.https();
    const at = `wss://127.0.0.1:${port}/api/v1/pets/rex/talk`;
    assert.equal((await refusal(new WebSocket(at, { ca: doors.ca.cert }))).status, 401);
    const viewer = await doors.token('viewer');
    assert.equal(
      (await refusal(new WebSocket(at, { ca: doors.ca.cert, headers: { authorization: `Bearer ${viewer}` } }))).status,
      403,
    );
    const operator = await doors.token('operator');
    const socket = new WebSocket(at, { ca: doors.ca.cert, headers: { authorization: `Bearer ${operator}` } });
    await opened(socket);
    const answer = new Promise<string>((resolve) =>
      socket.once('message', (data) => resolve((data as Buffer).toString())),
    );
    socket.send(Buffer.from('hello'));
    assert.equal(await answer, 'hello');
    socket.close();
    await closed(socket);
  });

  it('that are malformed leave no stream behind', async (test) => {
    const doors = await ready(test);
    const streams: Duplex[] = [];
    doors.hooks.talk = () => {
      const stream = echo();
      streams.push(stream);
      return stream;
    };
    const shake = (lines: string[]): Promise<string> =>
      sendRaw(
        doors.path,
        ['GET /api/v1/pets/rex/talk HTTP/1.1', 'Host: pvc', 'Connection: Upgrade', ...lines, '', ''].join('\r\n'),
      );
    const badKey = await shake(['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: short']);
    assert.match(badKey, /^HTTP\/1\.1 400 [^]*UPGRADE_INVALID/);
    assert.match(await shake(['Upgrade: h2c']), /^HTTP\/1\.1 400 [^]*UPGRADE_INVALID/);
    assert.match(
      await shake(['Upgrade: websocket', 'Sec-WebSocket-Version: 1', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']),
      /^HTTP\/1\.1 400 /,
    );
    await until('the end of the streams', () => streams.every((stream) => stream.destroyed));
    assert.equal(streams.length, 2);
  });

  it('whose caller has left leave no stream behind', async (test) => {
    const doors = await ready(test);
    const stream = echo();
    let asked = false;
    let go = (): void => undefined;
    const may = new Promise<void>((resolve) => {
      go = resolve;
    });
    doors.hooks.talk = () => {
      asked = true;
      return may.then(() => stream) as unknown as Duplex;
    };
    const socket = dial(doors.path);
    socket.on('error', () => undefined);
    await until('the question', () => asked);
    socket.terminate();
    await pause(50);
    go();
    await until('the end of the stream', () => stream.destroyed);
  });
});
