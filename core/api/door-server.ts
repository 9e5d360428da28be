/** What both doors have in common: limits on what a caller may take, and an end that does not hang. @module */
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getRequestListener } from '@hono/node-server';
import type { Host } from '../host/host.ts';
import { sortableId } from '../model/ids.ts';
import { apiError } from './api-errors.ts';
import type { App } from './app.ts';
import type { Bindings } from './caller.ts';
import { problemResponse } from './problem.ts';
import type { Upgrade } from './upgrade.ts';

/** An open door. */
export interface Listener {
  /** The path, or `ADDRESS:PORT` with the port that it has. */
  readonly address: string;
  /** Takes nothing new, ends feeds and channels, lets requests finish for up to 3 s, then cuts them. */
  close(): Promise<void>;
}

export interface DoorParts {
  readonly app: App;
  readonly upgrade: Upgrade;
  readonly host: Pick<Host, 'clock' | 'files' | 'log' | 'net' | 'random'>;
}

/** A caller has this long for the headers; the rest of a request has a limit of its own below. */
export const serverLimits = {
  headersTimeout: 10_000,
  // Node's limit on a whole request knows no exception, and an upload is one.
  requestTimeout: 0,
  keepAliveTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  maxHeaderSize: 16 * 1024,
} as const satisfies ServerOptions;

/** From the headers to the last byte of the body, unless the body is taken as a stream. */
const requestMs = 60_000;
const maxHeaders = 100;
const maxConnections = 1_024;
const closeGraceMs = 3_000;

const isTls = (socket: Duplex): socket is TLSSocket => 'authorized' in socket;

/** The node whose certificate the caller has shown; only one that the cluster's authority has signed counts. */
const peerOf = ({ socket }: IncomingMessage): string | undefined => {
  if (!isTls(socket) || !socket.authorized) return undefined;
  const { CN } = socket.getPeerCertificate().subject ?? {};
  return typeof CN === 'string' ? CN : undefined;
};

/** Ends a request that does not end by itself, as Node does (RFC 9110 section 15.5.9). */
function tooLate(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { socket } = incoming;
  if (socket.writable && !outgoing.headersSent)
    socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
  socket.destroySoon();
}

async function* bodyStream(
  incoming: IncomingMessage,
  proceed: () => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  proceed();
  // Whoever stops reading has an answer to give: that ends the connection, not this.
  yield* incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** Connects a server, not yet listening, with the app. Returns how to close it. */
export function serveApp(server: Server, door: Bindings['door'], parts: DoorParts): () => Promise<void> {
  const { app, upgrade, host } = parts;
  const closing = new AbortController();
  const upgraded = new Set<Duplex>();
  /** Requests whose caller waits to be told to send the body. */
  const asked = new WeakSet<IncomingMessage>();
  /** Takes the limit of time away from a request. */
  const hurry = new WeakMap<IncomingMessage, () => void>();
  const remoteOf = (incoming: IncomingMessage): string =>
    door === 'socket' ? '' : (incoming.socket.remoteAddress ?? 'unknown');

  server.maxHeadersCount = maxHeaders;
  server.maxConnections = maxConnections;
  const listener = getRequestListener(
    (request, env) => {
      const incoming = env.incoming as IncomingMessage;
      const proceed = (): void => {
        if (asked.delete(incoming)) (env.outgoing as ServerResponse).writeContinue();
      };
      return app.fetch(request, {
        door,
        remote: remoteOf(incoming),
        peer: peerOf(incoming),
        closing: closing.signal,
        cut: () => incoming.destroy(),
        proceed,
        stream: () => {
          hurry.get(incoming)?.();
          return bodyStream(incoming, proceed);
        },
      } satisfies Bindings);
    },
    {
      overrideGlobalObjects: false,
      hostname: 'localhost',
      errorHandler: (error) => {
        const reason = error instanceof Error ? error.message : String(error);
        return problemResponse(
          apiError('REQUEST_INVALID', { reason }),
          sortableId(host.clock.wallMs(), host.random.bytes(7)),
        );
      },
    },
  );
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (closing.signal.aborted) outgoing.setHeader('connection', 'close');
    const cancel = host.clock.after(requestMs, () => {
      if (!incoming.complete) tooLate(incoming, outgoing);
    });
    hurry.set(incoming, cancel);
    incoming.once('close', cancel);
    // Of a request that was answered before its end nobody hears any more; its connection is what is left.
    outgoing.once('close', () => {
      if (!incoming.complete) incoming.socket.once('close', cancel);
      if (incoming.socket.destroyed) cancel();
    });
    void listener(incoming, outgoing);
  };
  server.on('request', take);
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    asked.add(incoming);
    take(incoming, outgoing);
  });
  // After the start these are about single connections that could not be taken (too many open files).
  server.on('error', (error) => host.log.warn('the API could not take a connection', { door, reason: error.message }));
  server.on('upgrade', (incoming: IncomingMessage, connection: Duplex, head: Buffer) => {
    upgraded.add(connection);
    connection.once('close', () => upgraded.delete(connection));
    upgrade(incoming, connection, head, {
      door,
      remote: remoteOf(incoming),
      peer: peerOf(incoming),
      closing: closing.signal,
    });
  });

  let closed: Promise<void> | undefined;
  return () => {
    closed ??= new Promise((resolve) => {
      const cancel = host.clock.after(closeGraceMs, () => {
        server.closeAllConnections();
        for (const connection of upgraded) connection.destroy();
      });
      server.close(() => {
        cancel();
        resolve();
      });
      closing.abort(apiError('API_CLOSING'));
      server.closeIdleConnections();
    });
    return closed;
  };
}
