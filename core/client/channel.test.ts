import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { type WebSocket, WebSocketServer } from 'ws';
import { closeReason } from '../api/problem.ts';
import { linuxClock } from '../host/linux-clock.ts';
import { operationError } from '../operation/errors.ts';
import { createClient, type PvcClient } from './client.ts';
import { type Answerer, fakeApi, petRegistry } from './testing/fake-api.ts';

const never = new AbortController().signal;

async function talking(
  test: TestContext,
  connected: (socket: WebSocket) => void,
  answer: Answerer = () => {},
): Promise<{ client: PvcClient; at: string }> {
  const api = await fakeApi(test, answer);
  const sockets = new WebSocketServer({ server: api.server, maxPayload: 1024 * 1024 });
  sockets.on('connection', connected);
  test.after(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  const client = createClient({ socket: api.at }, petRegistry());
  test.after(() => client.close());
  return { client, at: api.at };
}

const until = async (what: string, done: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 500; turn += 1) {
    if (done()) return;
    await linuxClock.sleep(5);
  }
  assert.fail(`never came: ${what}`);
};

describe('a channel', () => {
  it('carries bytes both ways and ends in order', async (test) => {
    let closedWith: number | undefined;
    const { client } = await talking(test, (socket) => {
      socket.send(Buffer.from('hello\n'));
      socket.on('message', (data, isBinary) =>
        socket.send(Buffer.concat([Buffer.from(isBinary ? 'b:' : 't:'), data as Buffer])),
      );
      socket.on('close', (code) => {
        closedWith = code;
      });
    });
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    assert.equal(String((await once(channel, 'data'))[0]), 'hello\n');
    channel.write(Buffer.from([0, 255, 27]));
    assert.deepEqual([...((await once(channel, 'data'))[0] as Buffer)], [98, 58, 0, 255, 27]);
    channel.end();
    await once(channel, 'close');
    await until('the close', () => closedWith === 1000);
  });

  it('gives everything before it ends', async (test) => {
    const { client } = await talking(test, (socket) => {
      for (let line = 0; line < 50; line += 1) socket.send(Buffer.from(`${line},`));
      socket.close(1000);
    });
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    assert.equal((await channel.toArray()).join(''), Array.from({ length: 50 }, (_, line) => `${line},`).join(''));
  });

  it('gives everything before its error, which is the server’s', async (test) => {
    const { client } = await talking(test, (socket) => {
      for (let line = 0; line < 50; line += 1) socket.send(Buffer.from(`${line},`));
      socket.close(
        1011,
        closeReason(operationError('NODE_UNREACHABLE', { operation: 'pet.talk', node: 'hv2', reason: 'gone' })),
      );
    });
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    let text = '';
    await assert.rejects(
      async () => {
        for await (const chunk of channel) {
          text += String(chunk);
          await linuxClock.sleep(1); // a reader that is slower than the error
        }
      },
      {
        code: 'NODE_UNREACHABLE',
        exit: 'unreachable',
        message: 'Only node hv2 can answer pet.talk, and it cannot be reached: gone',
      },
    );
    assert.equal(text.split(',').length, 51);
  });

  it('does not take a cut connection for an end', async (test) => {
    const { client } = await talking(test, (socket) => socket.send(Buffer.from('x'), () => socket.terminate()));
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    await assert.rejects(channel.toArray(), { code: 'STREAM_BROKEN', message: /the connection was cut/ });
  });

  it('says that the daemon stops', async (test) => {
    const { client } = await talking(test, (socket) => socket.close(1001, 'this daemon is stopping'));
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    await assert.rejects(channel.toArray(), { code: 'STREAM_BROKEN', message: /the daemon is stopping/ });
  });

  it('holds the server back while nobody reads', async (test) => {
    const total = 64 * 1024 * 1024;
    const piece = Buffer.alloc(256 * 1024, 'x');
    let sent = 0;
    const { client } = await talking(test, (socket) => {
      const more = (): void => {
        if (sent >= total) return socket.close(1000);
        socket.send(piece, () => {
          sent += piece.length;
          more();
        });
      };
      more();
    });
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    let before = -1;
    await until('the server to stand still', () => {
      const still = sent === before && sent > 0;
      before = sent;
      return still;
    });
    await linuxClock.sleep(100);
    assert.ok(sent < 16 * 1024 * 1024, `${sent} bytes were taken without a reader`);
    let received = 0;
    for await (const chunk of channel) received += (chunk as Buffer).length;
    assert.equal(received, total);
  });

  it('holds the writer back while the server does not read', async (test) => {
    let socket: WebSocket | undefined;
    let received = 0;
    let whole = true;
    const { client } = await talking(test, (opened) => {
      socket = opened;
      opened.pause();
      opened.on('message', (data) => {
        const bytes = data as Buffer;
        // Each byte tells its place, so that nothing can be lost or swapped unseen.
        for (let at = 0; at < bytes.length; at += 4096) whole &&= bytes[at] === (((received + at) >> 12) & 0xff);
        received += bytes.length;
      });
    });
    const channel = await client.channel('pet.talk', { pet: 'rex' }, never);
    const total = 32 * 1024 * 1024;
    const data = Buffer.alloc(total);
    for (let at = 0; at < total; at += 1) data[at] = (at >> 12) & 0xff;
    let taken = 0;
    const pieceBytes = 1024 * 1024 + 4096; // larger than a message may be
    let held = false;
    const write = (): void => {
      while (taken < total) {
        const piece = data.subarray(taken, taken + pieceBytes);
        taken += piece.length;
        if (!channel.write(piece)) {
          held = true;
          channel.once('drain', write);
          return;
        }
      }
      channel.end();
    };
    write();
    await linuxClock.sleep(200);
    assert.ok(held && taken < 16 * 1024 * 1024, `${taken} bytes were taken without a reader`);
    socket?.resume();
    await until('everything', () => received === total);
    assert.ok(whole);
  });

  it('is refused with the server’s error', async (test) => {
    const api = await fakeApi(test, () => {});
    api.server.on('upgrade', (_request, socket) => {
      const body = JSON.stringify({
        code: 'VM_NOT_RUNNING',
        detail: 'rex does not run.',
        hint: 'Start it.',
        exit: 'refused',
        status: 409,
        details: [],
      });
      socket.end(
        `HTTP/1.1 409 Conflict\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
    using client = createClient({ socket: api.at }, petRegistry());
    await assert.rejects(client.channel('pet.talk', { pet: 'rex' }, never), {
      code: 'VM_NOT_RUNNING',
      http: 409,
      exit: 'refused',
      hint: 'Start it.',
    });
  });

  it('is refused by something that is no PVC', async (test) => {
    const api = await fakeApi(test, () => {});
    api.server.on('upgrade', (_request, socket) =>
      socket.end('HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nhi'),
    );
    using client = createClient({ socket: api.at }, petRegistry());
    await assert.rejects(client.channel('pet.talk', { pet: 'rex' }, never), {
      code: 'ANSWER_INVALID',
      message: /status 302/,
    });
  });

  it('cannot be opened where nobody listens', async () => {
    using client = createClient({ socket: '/nonexistent/api.sock' }, petRegistry());
    await assert.rejects(client.channel('pet.talk', { pet: 'rex' }, never), { code: 'DAEMON_DOWN' });
  });

  it('ends with the signal, also while it is being opened', async (test) => {
    const reason = new Error('enough');
    const gone = Promise.withResolvers<void>();
    const { client } = await talking(test, (socket) => socket.on('close', () => gone.resolve()));
    const stop = new AbortController();
    const channel = await client.channel('pet.talk', { pet: 'rex' }, stop.signal);
    stop.abort(reason);
    await gone.promise;
    assert.ok(channel.destroyed);

    const silent = await fakeApi(test, () => {});
    silent.server.on('upgrade', () => {});
    using other = createClient({ socket: silent.at }, petRegistry());
    const early = new AbortController();
    setTimeout(() => early.abort(reason), 20);
    await assert.rejects(other.channel('pet.talk', { pet: 'rex' }, early.signal), (error) => error === reason);
    await assert.rejects(other.channel('pet.talk', { pet: 'rex' }, early.signal), (error) => error === reason);
  });
});
