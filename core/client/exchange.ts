/** One request and its answer. @module */
import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { dialSignal } from './connection.ts';
import type { Address } from './target.ts';

export interface Ask {
  readonly address: Address;
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

/** Rejections of `ask` say with this whether the request may have arrived. */
export class AskFailed extends Error {
  readonly connected: boolean;

  constructor(cause: unknown, connected: boolean) {
    super('the request failed', { cause });
    this.connected = connected;
  }
}

/** A request whose body is yet to be sent. */
export interface BegunRequest {
  readonly sent: ClientRequest;
  /** It has got its connection: from then on something of it may have arrived. */
  readonly connected: () => boolean;
}

export function beginRequest({ address, agent, method, path, headers, signal }: Omit<Ask, 'body'>): BegunRequest {
  let connected = false;
  const sent = (address.socketPath === undefined ? httpsRequest : httpRequest)({
    agent,
    method,
    host: address.host,
    port: address.port,
    path: address.basePath + path,
    headers,
    signal,
    [dialSignal]: signal,
  } as RequestOptions);
  sent.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => (connected = true));
    else connected = true;
  });
  return { sent, connected: () => connected };
}

/** Sends a request; resolves with the head of the answer. @throws AskFailed */
export function ask({ body, headers, ...request }: Ask): Promise<IncomingMessage> {
  const { signal } = request;
  return new Promise((resolve, reject) => {
    const { sent, connected } = beginRequest({
      ...request,
      headers: {
        ...headers,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      },
    });
    // A request that has no connection yet does not notice by itself.
    signal.addEventListener('abort', () => reject(new AskFailed(signal.reason, connected())), { once: true });
    sent.once('response', resolve);
    sent.on('error', (error) => reject(new AskFailed(error, connected())));
    sent.end(body);
  });
}

/** Larger than any answer; beyond it something is wrong and memory is to be kept. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** The whole body as text. @throws AskFailed when it is cut off, TooLarge when it does not end */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxAnswerBytes) throw new RangeError(`it is longer than ${maxAnswerBytes / 1024 / 1024} MiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw new AskFailed(error, true);
  }
  return Buffer.concat(chunks).toString('utf8');
}
