import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { PdnsApi } from './api.ts';
import { localApi } from './pdns-conf.ts';

/** The API over a server in this process. */
function setUp(listener: RequestListener, key: string | undefined = 'abc') {
  const host = createVirtualHost();
  const server = createServer(listener);
  host.net.listen(`${localApi.host}:${localApi.port}`, () => {
    const [near, far] = duplexPair();
    server.emit('connection', far);
    return near;
  });
  return { host, api: new PdnsApi(host, async () => key) };
}
const saying =
  (status: number, text: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status).end(text);

describe('PowerDNS’s API', () => {
  it('is asked with the key, and read', async () => {
    const seen: unknown[] = [];
    const { api } = setUp((request, response) => {
      seen.push([request.method, request.url, request.headers['x-api-key']]);
      response.end('[{"name":"office.example.","serial":7,"kind":"Master"}]');
    });
    assert.deepEqual(await api.zones(), [{ name: 'office.example', serial: 7 }]);
    assert.deepEqual(seen, [['GET', '/api/v1/servers/localhost/zones?dnssec=false', 'abc']]);
  });

  it('is asked for a zone, and for its keys where there are any', async () => {
    const seen: unknown[] = [];
    const set = { name: 'x.', type: 'A', ttl: 60, records: [{ content: '10.0.0.1', disabled: false }] };
    const { api } = setUp((request, response) => {
      seen.push(request.url?.slice('/api/v1/servers/localhost'.length));
      const keys = [
        { id: 3, active: true, published: true, dnskey: '257 3 13 AA==', ds: [] },
        { id: 4, active: true, published: false, dnskey: '257 3 13 BB==' },
      ];
      const dnssec = request.url?.includes('signed') === true;
      response.end(
        JSON.stringify(
          request.url?.endsWith('/cryptokeys') === true ? keys : { dnssec, api_rectify: dnssec, rrsets: [set] },
        ),
      );
    });
    const sets = [{ name: 'x.', type: 'A', ttl: 60, contents: ['10.0.0.1'] }];
    assert.deepEqual(await api.zone('plain'), { sets, keys: [], keptInOrder: false });
    assert.deepEqual(await api.zone('signed'), {
      ...{ sets, keptInOrder: true },
      keys: [
        { id: 3, dnskey: '257 3 13 AA==', used: true },
        { id: 4, dnskey: '257 3 13 BB==', used: false },
      ],
    });
    assert.deepEqual(seen, ['/zones/plain.', '/zones/signed.', '/zones/signed./cryptokeys']);
  });

  it('is told what to change', async () => {
    let heard = '';
    const { api } = setUp((request, response) => {
      request.on('data', (piece: Buffer) => (heard += piece.toString()));
      request.on('end', () => response.writeHead(204).end());
    });
    await api.call({ method: 'PATCH', path: '/zones/x.', body: { rrsets: [] } });
    assert.equal(heard, '{"rrsets":[]}');
  });

  for (const [what, listener, error] of [
    [
      'says why',
      saying(422, '{"error":"Conflicts with pre-existing RRset"}'),
      { code: 'PDNS_REFUSED', message: /Conflicts/ },
    ],
    ['says nothing of use', saying(500, '<html>'), { code: 'PDNS_REFUSED', message: /HTTP status 500/ }],
    ['knows another key', saying(401, 'Unauthorized'), { code: 'PDNS_REFUSED', message: /401/ }],
    [
      'breaks off',
      (_request: unknown, response: Parameters<RequestListener>[1]) =>
        void response.writeHead(200, { 'content-length': 99 }).write('[{', () => response.destroy()),
      { code: 'PDNS_SILENT' },
    ],
    ['hangs up', (request: Parameters<RequestListener>[0]) => void request.socket.destroy(), { code: 'PDNS_SILENT' }],
    ['tells half a document', saying(200, '[{"name":'), { code: 'PDNS_SILENT' }],
  ] as const)
    it(`fails when it ${what}`, async () => {
      const { api } = setUp(listener);
      await assert.rejects(api.zones(), error);
      assert.equal(await api.answers(), false);
    });

  it('fails when it says nothing for too long', async () => {
    const { host, api } = setUp(() => undefined);
    const asked = assert.rejects(api.zones(), { code: 'PDNS_SILENT', message: /no answer within 20 s/ });
    for (let turn = 0; turn < 30; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      await host.clock.advance(1_000);
    }
    await asked;
  });

  it('fails when nobody is there, or there is no key yet', async () => {
    const host = createVirtualHost();
    await assert.rejects(new PdnsApi(host, async () => 'abc').zones(), {
      code: 'PDNS_SILENT',
      message: /nobody listens/,
    });
    await assert.rejects(new PdnsApi(host, async () => undefined).zones(), {
      code: 'PDNS_SILENT',
      message: /not written/,
    });
  });
});
