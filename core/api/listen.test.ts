import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { openDoors, send, sendRaw } from '../../test/fixtures/api-doors.ts';
import { fingerprint } from '../cluster/certificate.ts';
import { VirtualClock } from '../host/virtual-clock.ts';
import { listenHttps, listenSocket } from './listen.ts';

const until = async (what: string, done: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 500; turn += 1) {
    if (done()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`never came: ${what}`);
};

describe('listenSocket', () => {
  it('lets the owner in as root and nobody else', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    assert.equal((await stat(address)).mode & 0o777, 0o600);
    assert.equal((await stat(join(doors.directory, 'run'))).mode & 0o777, 0o755);
    const answer = await send({ socketPath: address, path: '/api/v1' });
    assert.equal(answer.status, 200);
    assert.deepEqual((JSON.parse(answer.body) as { actor: object }).actor, {
      name: 'root',
      role: 'admin',
      via: 'socket',
    });
  });

  it('gives a group the right to use it', async (test) => {
    const doors = await openDoors(test);
    const path = join(doors.directory, 'group.sock');
    await assert.rejects(listenSocket({ ...doors.parts, path, group: 'no-such-group' }), {
      code: 'SOCKET_GROUP_UNKNOWN',
    });
    // Another group than one's own only root may give away.
    const listener = await listenSocket({
      ...doors.parts,
      path,
      group: process.getuid?.() === 0 ? 'daemon' : 'nogroup',
    }).catch((error: unknown) => error as { code: string });
    if ('code' in listener) return assert.equal(listener.code, 'FILE_DENIED');
    const found = await stat(path);
    await listener.close();
    assert.equal(found.mode & 0o777, 0o660);
    assert.notEqual(found.gid, 0);
  });

  it('replaces what a dead process left, and nothing else', async (test) => {
    const doors = await openDoors(test);
    const path = join(doors.directory, 'api.sock');
    // A process that ends without closing leaves its socket.
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    assert.ok((await stat(path)).isSocket());
    await doors.socket(path);
    await assert.rejects(doors.socket(path), { code: 'SOCKET_IN_USE' });
    assert.equal((await send({ socketPath: path, path: '/api/v1' })).status, 200, 'the first one still answers');
    const file = join(doors.directory, 'precious');
    await writeFile(file, 'text');
    await assert.rejects(doors.socket(file), { code: 'SOCKET_PATH_TAKEN' });
    assert.ok((await stat(file)).isFile());
  });

  it('answers a body that is announced too large without waiting for it, and closes', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    const head = (length: number) =>
      `PUT /api/v1/pets/rex HTTP/1.1\r\nHost: pvc\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
    const text = await sendRaw(address, head(10 * 1024 * 1024 * 1024));
    assert.match(text, /^HTTP\/1\.1 413 /);
    assert.match(text, /connection: close/i);
    assert.match(text, /BODY_TOO_LARGE/);
    const chunked = await sendRaw(
      address,
      `PUT /api/v1/pets/rex HTTP/1.1\r\nHost: pvc\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n80\r\n${' '.repeat(128)}\r\n`,
    );
    assert.match(chunked, /^HTTP\/1\.1 413 /);
  });

  it('takes a body that is somewhat too large to its end before it refuses it', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    const length = 3 * 1024 * 1024;
    const head = `PUT /api/v1/pets/rex HTTP/1.1\r\nHost: pvc\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
    const sent = Promise.withResolvers<void>();
    let ended = false;
    const answer = sendRaw(address, head, (socket) => {
      socket.write(Buffer.alloc(length - 1, ' '));
      setTimeout(() => {
        ended = true;
        socket.write(' ', () => sent.resolve());
      }, 200);
    });
    const text = await answer;
    assert.ok(ended, 'it was answered while its end was still to come');
    await sent.promise;
    assert.match(text, /^HTTP\/1\.1 413 /);
    assert.match(text, /BODY_TOO_LARGE/);
  });

  it('does nothing with half a request', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    const half =
      'POST /api/v1/pets HTTP/1.1\r\nHost: pvc\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{"name":"rex"';
    await sendRaw(address, half, (socket) => setTimeout(() => socket.destroy(), 50));
    await sendRaw(address, half, (socket) => setTimeout(() => socket.end(), 50));
    await sendRaw(address, 'GET /api/v1/pe', (socket) => socket.end());
    assert.match(await sendRaw(address, 'nonsense\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(
      await sendRaw(address, `GET / HTTP/1.1\r\nHost: pvc\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
      /^HTTP\/1\.1 431 /,
    );
    assert.equal((await send({ socketPath: address, path: '/api/v1/pets/rex' })).status, 404);
  });

  it('hands feeds the resume header and ends them when the reader leaves', async (test) => {
    const doors = await openDoors(test);
    const { address } = await doors.socket();
    let after: string | undefined;
    let ended = false;
    doors.hooks.follow = async function* (signal, resumeAfter) {
      after = resumeAfter;
      try {
        yield { id: '8', data: 'eight' };
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      } finally {
        ended = true;
      }
    };
    let text = '';
    const request = httpRequest(
      { socketPath: address, path: '/api/v1/pets/rex/follow', headers: { 'last-event-id': '7' } },
      (response) => {
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', () => undefined);
      },
    );
    request.on('error', () => undefined);
    request.end();
    await until('the item', () => text.includes('data: "eight"'));
    assert.equal(after, '7');
    request.destroy();
    await until('the end of the feed', () => ended);
  });

  it('tells feeds that it stops, and removes the socket when it closes', async (test) => {
    const doors = await openDoors(test);
    const listener = await doors.socket();
    doors.hooks.follow = async function* (signal) {
      yield { data: 1 };
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    };
    const following = send({ socketPath: listener.address, path: '/api/v1/pets/rex/follow' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await listener.close();
    assert.match((await following).body, /^: open\n\ndata: 1\n\nevent: problem\ndata: .*"API_CLOSING".*\n\n$/);
    await assert.rejects(stat(listener.address), { code: 'ENOENT' });
    await listener.close();
  });
});

describe('rights of the socket', () => {
  it('nobody else can reach it before it has them, whatever the umask', async (test) => {
    const doors = await openDoors(test);
    const path = join(doors.directory, 'early.sock');
    const before: (string | number)[] = [];
    const { files } = doors.parts.host;
    const watched = {
      ...files,
      async setAccess(at: string, mode: number, gid?: number) {
        before.push(
          (await stat(dirname(at))).mode & 0o777,
          await stat(path).then(
            () => 'there',
            () => 'not there',
          ),
        );
        return files.setAccess(at, mode, gid);
      },
    };
    const umask = process.umask(0);
    const listener = await listenSocket({
      ...doors.parts,
      host: { ...doors.parts.host, files: watched },
      path,
    }).finally(() => process.umask(umask));
    assert.deepEqual(before, [0o700, 'not there']);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await assert.rejects(stat(`${path}.new`), { code: 'ENOENT' });
    await listener.close();
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });

  it('leaves the socket of a daemon that came after it', async (test) => {
    const doors = await openDoors(test);
    const first = await doors.socket();
    await rm(first.address);
    const second = await doors.socket(first.address);
    await first.close();
    assert.equal((await send({ socketPath: second.address, path: '/api/v1' })).status, 200);
  });
});

describe('listenHttps', () => {
  it('wants a token, over TLS 1.2 or newer', async (test) => {
    const doors = await openDoors(test);
    const { port } = await doors.https();
    const viewer = await doors.token('viewer');
    const at = { host: '127.0.0.1', port, ca: doors.ca.cert, path: '/api/v1/pets' };
    const none = await send(at);
    assert.equal(none.status, 401);
    assert.equal(none.headers['www-authenticate'], 'Bearer realm="pvc"');
    assert.equal((await send({ ...at, headers: { authorization: `Bearer ${viewer}` } })).status, 200);
    const body = JSON.stringify({ name: 'rex' });
    const write = {
      ...at,
      method: 'POST',
      headers: { authorization: `Bearer ${viewer}`, 'content-type': 'application/json' },
    };
    assert.equal((await send(write, body)).status, 403);
    const old = await new Promise<string>((resolve) => {
      const socket = tlsConnect(
        {
          host: '127.0.0.1',
          port,
          ca: doors.ca.cert,
          minVersion: 'TLSv1.1',
          maxVersion: 'TLSv1.1',
          ciphers: 'DEFAULT@SECLEVEL=0',
        },
        () => resolve('connected'),
      );
      socket.on('error', (error) => resolve(error.message));
    });
    assert.match(old, /protocol version|unsupported protocol/i);
    await assert.rejects(send({ host: '127.0.0.1', port, path: '/' }), 'plain HTTP is not answered');
  });

  it('says which port is taken', async (test) => {
    const doors = await openDoors(test);
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    await assert.rejects(doors.https(port), (error: { code: string; message: string; hint: string }) => {
      assert.equal(error.code, 'PORT_IN_USE');
      assert.match(error.message, new RegExp(String(port)));
      assert.match(error.hint, /ss -ltnp/);
      return true;
    });
    other.close();
    await doors.renew();
    await assert.rejects(
      listenHttps({
        ...doors.parts,
        address: '203.0.113.7',
        port: 0,
        certFile: doors.certFile,
        keyFile: doors.keyFile,
      }),
      { code: 'LISTEN_FAILED' },
    );
  });

  it('refuses a certificate that cannot be used, and takes up a new one while it runs', async (test) => {
    const doors = await openDoors(test);
    const clock = new VirtualClock();
    const parts = {
      ...doors.parts,
      host: { ...doors.parts.host, clock },
      address: '127.0.0.1',
      port: 0,
      certFile: doors.certFile,
      keyFile: doors.keyFile,
    };
    await assert.rejects(listenHttps(parts), { code: 'CERTIFICATE_UNUSABLE' });
    const first = await doors.renew();
    const { key } = await doors.renew();
    await writeFile(doors.certFile, first.cert);
    await assert.rejects(listenHttps(parts), { code: 'CERTIFICATE_UNUSABLE' });
    await writeFile(doors.keyFile, first.key);
    const listener = await listenHttps(parts);
    const shown = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket: TLSSocket = tlsConnect(
          { host: '127.0.0.1', port: Number(listener.address.split(':').at(-1)), ca: doors.ca.cert },
          () => {
            resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase());
            socket.destroy();
          },
        );
        socket.on('error', reject);
      });
    try {
      assert.equal(await shown(), fingerprint(first.cert));
      await writeFile(doors.keyFile, key);
      await clock.advance(10_000);
      await until('a warning', () => doors.logLines.some((line) => line.includes('the old one stays')));
      assert.equal(await shown(), fingerprint(first.cert), 'the old one stays');
      const second = await doors.renew();
      await clock.advance(10_000);
      await until('the new certificate', () =>
        doors.logLines.some((line) => line.includes('the new certificate is in use')),
      );
      assert.equal(await shown(), fingerprint(second.cert));
    } finally {
      await listener.close();
    }
  });

  it('refuses a source after many wrong tokens, even a good token of it, until some time has passed', async (test) => {
    const doors = await openDoors(test);
    const good = `Bearer ${await doors.token('admin')}`;
    const ask = (authorization: string, remote = '10.0.0.9') =>
      doors.ask('/api/v1', { headers: { authorization } }, { door: 'https', remote });
    for (let count = 0; count < 20; count += 1) assert.equal((await ask('Bearer wrong')).status, 401);
    const refused = await ask(good);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get('retry-after')) > 50);
    assert.equal((await ask(good, '10.0.0.10')).status, 200);
    assert.equal((await doors.ask('/api/v1')).status, 200, 'the socket is not concerned');
  });
});
