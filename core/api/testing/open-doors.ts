/** Real sockets and certificates in a directory of their own: for the tests of the listeners. @module */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createLinuxHost } from '../../host/linux.ts';
import { linuxClock } from '../../host/linux-clock.ts';
import { type CertificatePair, makeCa, makeNodeCertificate } from '../certificate.ts';
import type { DoorParts, Listener } from '../door-server.ts';
import { listenHttps, listenSocket } from '../listen.ts';
import { createUpgrade } from '../upgrade.ts';
import { createSampleApi, json, type SampleApi } from './sample-api.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A request on a real connection, to its end. */
export function send(options: RequestOptions & { ca?: string; minVersion?: string }, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ask = options.ca === undefined ? httpRequest : httpsRequest;
    const request = ask({ agent: false, ...options } as RequestOptions, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Sends bytes as they are and collects what comes back until the connection closes. */
export function sendRaw(path: string, bytes: string, leave?: (socket: Socket) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.write(bytes);
      leave?.(socket);
    });
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(text));
  });
}

export interface OpenDoors extends SampleApi {
  readonly directory: string;
  readonly parts: DoorParts;
  readonly logLines: string[];
  readonly ca: CertificatePair;
  readonly certFile: string;
  readonly keyFile: string;
  /** A new certificate into the files. */
  renew(): Promise<CertificatePair>;
  socket(path?: string): Promise<Listener>;
  https(port?: number): Promise<Listener & { port: number }>;
  token(role: string): Promise<string>;
}

let sharedCa: Promise<CertificatePair> | undefined;

export async function openDoors(test: TestContext): Promise<OpenDoors> {
  const directory = await mkdtemp(join(tmpdir(), 'pvc-api-'));
  const api = createSampleApi(linuxClock);
  const logLines: string[] = [];
  const host = createLinuxHost({ level: 'debug', destination: (line) => logLines.push(line) });
  const upgrade = createUpgrade({ app: api.app, clock: host.clock, random: host.random, log: host.log });
  const parts: DoorParts = { app: api.app, upgrade, host };
  const listeners: Listener[] = [];
  sharedCa ??= makeCa({ name: 'test', nowMs: Date.now() });
  const ca = await sharedCa;
  const certFile = join(directory, 'node.pem');
  const keyFile = join(directory, 'node.key');
  test.after(async () => {
    await Promise.all(listeners.map((listener) => listener.close()));
    await rm(directory, { recursive: true });
  });
  const opened = <T extends Listener>(listener: T): T => {
    listeners.push(listener);
    return listener;
  };
  return {
    ...api,
    directory,
    parts,
    logLines,
    ca,
    certFile,
    keyFile,
    async renew() {
      const pair = await makeNodeCertificate(ca, { name: 'hv1', addresses: ['127.0.0.1'], dnsNames: ['localhost'], nowMs: Date.now() });
      await writeFile(certFile, pair.cert);
      await writeFile(keyFile, pair.key);
      return pair;
    },
    async socket(path = join(directory, 'run', 'api.sock')) {
      return opened(await listenSocket({ ...parts, path }));
    },
    async https(port = 0) {
      await this.renew();
      const listener = opened(await listenHttps({ ...parts, address: '127.0.0.1', port, certFile, keyFile }));
      return { ...listener, port: Number(listener.address.split(':').at(-1)) };
    },
    async token(role) {
      const made = await api.ask('/api/v1/tokens', json('POST', { name: role, role }));
      return ((await made.json()) as { result: { token: string } }).result.token;
    },
  };
}
