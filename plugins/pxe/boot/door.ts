/**
 * The door for machines that boot: plain HTTP on the provisioning address, while this node is primary. It gives out boot
 * scripts and boot files, and takes what the image tells; nothing else of the API is behind it. Why it is without TLS:
 * docs/decisions/034-network-boot.md.
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorText, type Host, names } from '../../../core/plugin/api.ts';
import type { BootAnswers } from './boot-answers.ts';
import { readBootRequest } from './boot-request.ts';
import { firstScript } from './boot-script.ts';

/** What a machine may fetch, and where it is. */
export type BootFiles = ReadonlyMap<string, string>;

export interface DoorParts {
  readonly host: Pick<Host, 'clock' | 'files' | 'log'>;
  readonly answers: BootAnswers;
  readonly files: BootFiles;
  /** `http://10.9.0.1:7380` */
  readonly base: string;
}

export interface Answer {
  readonly status: number;
  readonly body:
    | string
    | { readonly sizeBytes: number; readonly pieces: AsyncIterable<Uint8Array>; close(): Promise<void> };
}

/** A report of many disks fits. */
const mostBodyBytes = 32 * 1024;
const mostConnections = 256;
/** A word has 24 random bytes in base64url. */
const machinePath = /^\/machines\/([0-9a-f:]{17})\/([A-Za-z0-9_-]{32})\/(join|log|failed|report)$/;
const filePath = /^\/files\/([A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;

const no = (status: number, text: string): Answer => ({ status, body: `${text}\n` });

/** The answer to one request; no socket is touched. */
export async function answerBoot(
  parts: DoorParts,
  method: string,
  url: string,
  body: () => Promise<string | undefined>,
): Promise<Answer> {
  const { answers, base, files, host } = parts;
  const { pathname, search } = new URL(url, base);
  const read = method === 'GET' || method === 'HEAD';
  if (read && pathname === '/boot.ipxe') return { status: 200, body: firstScript(base) };
  if (read && pathname === '/machine.ipxe') {
    const request = readBootRequest(search);
    if (request === undefined) return no(400, 'which card does it boot from?');
    return { status: 200, body: await answers.script(request, base) };
  }
  const [, file] = filePath.exec(pathname) ?? [];
  if (read && file !== undefined) {
    const path = files.get(file);
    const source = path === undefined ? undefined : await host.files.openRead(path);
    if (source?.sizeBytes === undefined) return no(404, `there is no ${file} on the primary`);
    return {
      status: 200,
      body: { sizeBytes: source.sizeBytes, pieces: source.body, close: () => source.close() },
    };
  }
  const [, mac, word, what] = machinePath.exec(pathname) ?? [];
  if (mac === undefined || word === undefined || !names.macAddress.safeParse(mac).success)
    return no(404, 'there is nothing here');
  if (what === 'join') {
    if (method !== 'POST') return no(405, 'ask with POST');
    const facts = await answers.join(mac, word);
    if (facts === undefined) return no(403, 'this is not the present boot of that machine');
    return { status: 200, body: `name=${facts.name}\naddress=${facts.address}\ntoken=${facts.token}\n` };
  }
  if (method !== 'POST') return no(405, 'tell with POST');
  const text = await body();
  if (text === undefined) return no(413, 'that is too long');
  const taken = await answers.tell(mac, word, what as 'log' | 'failed' | 'report', text);
  return taken ? { status: 200, body: '' } : no(403, 'this is not the present boot of that machine');
}

/** Undefined: too long. */
async function bodyOf(incoming: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of incoming as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > mostBodyBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

async function serve(parts: DoorParts, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const method = incoming.method ?? 'GET';
  let answer: Answer;
  try {
    answer = await answerBoot(parts, method, incoming.url ?? '/', () => bodyOf(incoming));
  } catch (error) {
    parts.host.log.warn('a machine that boots was not answered', { reason: errorText(error) });
    // It asks again; what is wrong is not for everybody in that network to read.
    answer = no(503, 'not now');
  }
  const { status, body } = answer;
  if (typeof body === 'string') {
    const bytes = Buffer.from(body);
    outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': bytes.length });
    outgoing.end(method === 'HEAD' ? undefined : bytes);
    return;
  }
  try {
    outgoing.writeHead(status, { 'content-type': 'application/octet-stream', 'content-length': body.sizeBytes });
    if (method !== 'HEAD')
      for await (const piece of body.pieces) {
        if (outgoing.destroyed) return;
        if (!outgoing.write(piece))
          await new Promise<void>((resolve) => {
            outgoing.once('drain', resolve);
            outgoing.once('close', resolve);
          });
      }
    outgoing.end();
  } catch (error) {
    parts.host.log.warn('a boot file was given out in part only', { url: incoming.url, reason: errorText(error) });
    outgoing.destroy();
  } finally {
    await body.close();
  }
}

export interface OpenDoor {
  readonly port: number;
  /** Cuts whoever is being served: another node answers from now on. */
  close(): Promise<void>;
}

/** @throws Error when the address or port cannot be had */
export async function openDoor(parts: DoorParts, address: string, port: number): Promise<OpenDoor> {
  const server: Server = createServer(
    { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5_000, maxHeaderSize: 8 * 1024 },
    (incoming, outgoing) => void serve(parts, incoming, outgoing),
  );
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  server.on('error', (error) =>
    parts.host.log.warn('the door for machines that boot has a trouble', { reason: errorText(error) }),
  );
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
