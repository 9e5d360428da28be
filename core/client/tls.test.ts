import assert from 'node:assert/strict';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { type CertificatePair, fingerprint, makeCa, makeNodeCertificate } from '../cluster/certificate.ts';
import { PvcError } from '../error/error.ts';
import { certificateOf } from './certificate.ts';
import { createClient, type PvcClient } from './client.ts';
import { fingerprintOf } from './fingerprint.ts';
import { answerJson, fakeApi, petRegistry } from './testing/fake-api.ts';

const ca = await makeCa({ name: 'test', nowMs: Date.now() });
const certificate = (dnsNames: readonly string[] = ['localhost']): Promise<CertificatePair> =>
  makeNodeCertificate(ca, { name: 'hv1', addresses: ['127.0.0.1'], dnsNames, nowMs: Date.now() });
const pair = await certificate();
const pinned = fingerprintOf(fingerprint(pair.cert)) ?? '';

const clientOf = (url: string, more: { token?: string; fingerprint?: string; caPem?: string }): PvcClient =>
  createClient({ url, ...more }, petRegistry());

const codeOf = async (call: Promise<unknown>): Promise<PvcError> => {
  const error = await call.then(
    () => assert.fail('was answered'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof PvcError, String(error));
  return error;
};

describe('a client over HTTPS', () => {
  it('talks to the certificate with the fingerprint, however that is written', async (test) => {
    const api = await fakeApi(test, (_asked, response) => answerJson(response, 1), pair);
    for (const written of [pinned, pinned.toLowerCase().replaceAll(':', ''), `SHA256:${pinned}`]) {
      using client = clientOf(api.at, { token: 'pvc_token-1', fingerprint: written });
      assert.equal(await client.call('pet.list', {}), 1);
    }
    assert.equal(api.asked[0]?.headers.authorization, 'Bearer pvc_token-1');
    assert.equal(api.asked[0]?.headers.host, new URL(api.at).host);
  });

  it('sends nothing to another certificate, and names both fingerprints', async (test) => {
    const api = await fakeApi(test, (_asked, response) => answerJson(response, 1), pair);
    const other = fingerprintOf(fingerprint((await certificate()).cert)) ?? '';
    using client = clientOf(api.at, { token: 'pvc_token-1', fingerprint: other });
    for (const call of [
      client.call('pet.list', {}),
      client.call('pet.feed', { pet: 'rex' }),
      client.channel('pet.talk', { pet: 'rex' }, new AbortController().signal),
    ]) {
      const error = await codeOf(call);
      assert.equal(error.code, 'CERTIFICATE_MISMATCH');
      assert.ok(error.message.includes(pinned) && error.message.includes(other), error.message);
    }
    const feed = client.follow('pet.follow', { pet: 'rex' }, { signal: new AbortController().signal });
    const followed = feed[Symbol.asyncIterator]().next();
    assert.equal((await codeOf(followed)).code, 'CERTIFICATE_MISMATCH');
    assert.equal(api.asked.length, 0);
  });

  it('tells the fingerprint of a certificate that nobody vouches for', async (test) => {
    const api = await fakeApi(test, (_asked, response) => answerJson(response, 1), pair);
    using client = clientOf(api.at, { token: 'pvc_token-1' });
    const error = await codeOf(client.call('pet.feed', { pet: 'rex' }));
    assert.equal(error.code, 'CERTIFICATE_UNKNOWN');
    assert.ok(error.message.includes(pinned));
    assert.equal(api.asked.length, 0);
  });

  it('takes what its authority signed, for the right name only', async (test) => {
    const api = await fakeApi(test, (_asked, response) => answerJson(response, 1), pair);
    using client = clientOf(api.at, { caPem: ca.cert });
    assert.equal(await client.call('pet.list', {}), 1);
    using byAddress = clientOf(api.at.replace('localhost', '127.0.0.1'), { caPem: ca.cert });
    assert.equal(await byAddress.call('pet.list', {}), 1);

    const elsewhere = await fakeApi(
      test,
      (_asked, response) => answerJson(response, 1),
      await certificate(['hv9.example']),
    );
    using wrong = clientOf(elsewhere.at, { caPem: ca.cert });
    const error = await codeOf(wrong.call('pet.list', {}));
    assert.equal(error.code, 'CERTIFICATE_UNKNOWN');
    assert.match(error.message, /ERR_TLS_CERT_ALTNAME_INVALID|altnames/i);
    assert.equal(elsewhere.asked.length, 0);
  });

  it('says that a server is away', async () => {
    using client = clientOf('https://localhost:1', { fingerprint: pinned });
    const error = await codeOf(client.call('pet.feed', { pet: 'rex' }));
    assert.deepEqual([error.code, error.exit], ['API_UNREACHABLE', 'unreachable']);
    assert.match(error.message, /https:\/\/localhost:1: the connection was refused/);
  });

  it('opens channels', async (test) => {
    const api = await fakeApi(test, () => {}, pair);
    const sockets = new WebSocketServer({ server: api.server });
    sockets.on('connection', (socket, request) =>
      socket.send(Buffer.from(request.headers.authorization ?? ''), () => socket.close(1000)),
    );
    using client = clientOf(api.at, { token: 'pvc_token-1', fingerprint: pinned });
    const channel = await client.channel('pet.talk', { pet: 'rex' }, new AbortController().signal);
    assert.equal((await channel.toArray()).join(''), 'Bearer pvc_token-1');
  });
});

describe('a server that takes connections and says nothing', () => {
  /** Its address, and how many connections it holds. */
  async function silentServer(test: TestContext): Promise<{ url: string; held: () => number }> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.resume();
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    test.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, held: () => sockets.size };
  }

  const released = async (held: () => number): Promise<void> => {
    for (let turn = 0; turn < 200 && held() > 0; turn += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.equal(held(), 0, 'connections are left');
  };

  it('is given up after the time-out; nothing was sent, so nothing was done', async (test) => {
    const { url, held } = await silentServer(test);
    using client = clientOf(url, { fingerprint: pinned });
    assert.equal((await codeOf(client.call('pet.list', {}, { timeoutMs: 50 }))).code, 'QUERY_LATE');
    assert.equal((await codeOf(client.call('pet.feed', { pet: 'rex' }, { timeoutMs: 50 }))).code, 'QUERY_LATE');
    await released(held);
  });

  it('is left as soon as the caller has enough', async (test) => {
    const { url, held } = await silentServer(test);
    using client = clientOf(url, { fingerprint: pinned });
    const reason = new Error('enough');
    const tries = [
      (signal: AbortSignal) => client.call('pet.list', {}, { signal }),
      (signal: AbortSignal) => client.channel('pet.talk', { pet: 'rex' }, signal),
      (signal: AbortSignal) => certificateOf(new URL(url), signal),
    ];
    for (const attempt of tries) {
      const enough = new AbortController();
      const call = attempt(enough.signal);
      setTimeout(() => enough.abort(reason), 50);
      await assert.rejects(call, (error) => error === reason);
    }
    await released(held);
  });
});

describe('certificateOf', () => {
  it('tells what a server shows', async (test) => {
    const api = await fakeApi(test, () => {}, pair);
    const seen = await certificateOf(new URL(api.at), new AbortController().signal);
    assert.equal(seen.fingerprint, pinned);
    assert.equal(seen.subject, 'CN=hv1');
    assert.equal(seen.trusted, false);
    assert.match(seen.validUntil, /^\d{4}-\d\d-\d\dT/);
    assert.equal(api.asked.length, 0);
  });

  it('fails when nobody is there or the caller has enough', async () => {
    assert.equal(
      (await codeOf(certificateOf(new URL('https://localhost:1'), new AbortController().signal))).code,
      'API_UNREACHABLE',
    );
    const reason = new Error('enough');
    await assert.rejects(
      certificateOf(new URL('https://localhost:1'), AbortSignal.abort(reason)),
      (error) => error === reason,
    );
  });
});
