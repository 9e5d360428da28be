/** A small real server, on a unix socket or with TLS on loopback, that answers as a test tells it to. @module */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import type { CertificatePair } from '../../cluster/certificate.ts';
import { defineChannel, defineFeed, defineMutation, defineQuery, type Operation } from '../../operation/operation.ts';
import { OperationRegistry } from '../../operation/registry.ts';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Answerer = (asked: Asked, response: ServerResponse, count: number) => void;

export interface FakeApi {
  readonly server: Server;
  /** Path of the unix socket, or `https://localhost:PORT`. */
  readonly at: string;
  readonly asked: Asked[];
  /** TCP or unix connections that were made. */
  connections: number;
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

export async function fakeApi(test: TestContext, answer: Answerer, tls?: CertificatePair): Promise<FakeApi> {
  const asked: Asked[] = [];
  const answerOne = (request: IncomingMessage, response: ServerResponse): void => {
    void bodyOf(request).then((body) => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body };
      asked.push(one);
      answer(one, response, asked.length);
    });
  };
  const server =
    tls === undefined ? createServer(answerOne) : createHttpsServer({ cert: tls.cert, key: tls.key }, answerOne);
  const directory = await mkdtemp(join(tmpdir(), 'pvc-client-'));
  const path = join(directory, 'api.sock');
  await new Promise<void>((resolve) =>
    tls === undefined ? server.listen(path, resolve) : server.listen(0, '127.0.0.1', resolve),
  );
  const api = {
    server,
    at: tls === undefined ? path : `https://localhost:${(server.address() as AddressInfo).port}`,
    asked,
    connections: 0,
  };
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    api.connections += 1;
    sockets.add(socket);
  });
  test.after(async () => {
    // Those that were upgraded, too: the server has let go of them.
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true });
  });
  return api;
}

export const answerJson = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
  response.end(JSON.stringify(value));
};

const unused = async (): Promise<never> => {
  throw new Error('only its declaration is used here');
};

const petName = z.object({ pet: z.string() });

export const petOperations: readonly Operation[] = [
  defineQuery({
    name: 'pet.list',
    summary: 'List',
    http: { method: 'GET', path: '/pets' },
    role: 'viewer',
    input: z.object({}),
    output: z.unknown(),
    run: unused,
  }),
  defineMutation({
    name: 'pet.feed',
    summary: 'Feed',
    http: { method: 'POST', path: '/pets/{pet}/feed' },
    role: 'viewer',
    input: petName,
    output: z.unknown(),
    plan: unused,
  }),
  defineMutation({
    name: 'pet.remove',
    summary: 'Remove',
    http: { method: 'DELETE', path: '/pets/{pet}' },
    role: 'viewer',
    input: petName,
    output: z.unknown(),
    plan: unused,
  }),
  defineFeed({
    name: 'pet.follow',
    summary: 'Follow',
    http: { method: 'GET', path: '/pets/{pet}/follow' },
    role: 'viewer',
    input: petName,
    output: z.unknown(),
    open: () => {
      throw new Error('only its declaration is used here');
    },
  }),
  defineChannel({
    name: 'pet.talk',
    summary: 'Talk',
    http: { method: 'GET', path: '/pets/{pet}/talk' },
    role: 'viewer',
    input: petName,
    output: z.unknown(),
    connect: unused,
  }),
];

export function petRegistry(): OperationRegistry {
  const registry = new OperationRegistry();
  for (const operation of petOperations) registry.add('core', operation);
  return registry;
}
