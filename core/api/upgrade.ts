/**
 * WebSocket handshakes. The app treats one as any request (token, role, input, opening the channel), and
 * only when all of that went well the handshake is completed; otherwise the caller gets a plain answer.
 * @module
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Clock } from '../host/clock.ts';
import type { Random } from '../host/host.ts';
import type { Logger } from '../host/log.ts';
import { sortableId } from '../model/ids.ts';
import { apiError } from './api-errors.ts';
import type { App } from './app.ts';
import type { Bindings } from './caller.ts';
import { bridgeChannel } from './channel-bridge.ts';
import { problemResponse, shownError } from './problem.ts';

/** Largest message that a caller may send. */
const maxMessageBytes = 1024 * 1024;

/** What a listener tells of a handshake's connection. */
export interface UpgradeDoor {
  readonly door: Bindings['door'];
  readonly remote: string;
  readonly peer: string | undefined;
  readonly closing: AbortSignal;
}

/** A listener of `upgrade` on http servers (`listen.ts` attaches it). */
export type Upgrade = (incoming: IncomingMessage, connection: Duplex, head: Buffer, door: UpgradeDoor) => void;

export interface UpgradeParts {
  readonly app: App;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export function createUpgrade(parts: UpgradeParts): Upgrade {
  const { app, clock, random, log } = parts;
  // Console output is small and often encrypted already: compression would cost memory for each caller.
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  const newId = (): string => sortableId(clock.wallMs(), random.bytes(7));
  // Told of a bad handshake, ws leaves the connection to us.
  sockets.on('wsClientError', (error: Error, connection: Duplex) => {
    void answerPlainly(connection, problemResponse(apiError('UPGRADE_INVALID', { reason: error.message }), newId()));
  });

  const shake = async (
    incoming: IncomingMessage,
    connection: Duplex,
    head: Buffer,
    door: UpgradeDoor,
  ): Promise<void> => {
    const left = new AbortController();
    connection.once('close', () => left.abort());
    connection.on('error', () => left.abort());
    let stream: Duplex | undefined;
    const bindings: Bindings = {
      ...door,
      accept: (opened) => {
        stream = opened;
        // Until the bridge listens, an error must not end the process.
        opened.on('error', () => undefined);
      },
    };
    const response = await app.fetch(requestOf(incoming, left.signal), bindings);
    if (stream === undefined) return answerPlainly(connection, response);
    const opened = stream;
    let shaken = false;
    if (!left.signal.aborted && !door.closing.aborted) {
      // Completes or refuses before it returns, since nothing has to be asked meanwhile.
      sockets.handleUpgrade(incoming, connection, head, (socket) => {
        shaken = true;
        bridgeChannel({
          socket,
          stream: opened,
          clock,
          closing: door.closing,
          shown: (error) => shownError(error, newId(), log),
        });
      });
    }
    if (shaken) return;
    opened.destroy();
    if (door.closing.aborted) connection.destroy();
  };

  return (incoming, connection, head, door) => {
    shake(incoming, connection, head, door).catch((error: unknown) => {
      const request = newId();
      void answerPlainly(connection, problemResponse(shownError(error, request, log), request));
    });
  };
}

/** The handshake as the app sees requests. @throws PvcError REQUEST_INVALID, UPGRADE_INVALID */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request {
  if (incoming.method !== 'GET') throw apiError('UPGRADE_INVALID', { reason: 'it must be a GET' });
  if (incoming.headers.upgrade?.toLowerCase() !== 'websocket')
    throw apiError('UPGRADE_INVALID', { reason: 'only "websocket" can be upgraded to' });
  const headers = new Headers();
  for (const [name, values] of Object.entries(incoming.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  const path = incoming.url ?? '/';
  if (!path.startsWith('/')) throw apiError('REQUEST_INVALID', { reason: 'the address must be a path' });
  return new Request(`http://localhost${path}`, { headers, signal });
}

/** Writes an answer by hand and closes: the http server has let go of the connection. */
async function answerPlainly(connection: Duplex, response: Response): Promise<void> {
  if (!connection.writable) {
    connection.destroy();
    return;
  }
  const body = Buffer.from(await response.arrayBuffer());
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ''}`];
  for (const [name, value] of response.headers) if (name !== 'connection') lines.push(`${name}: ${value}`);
  lines.push('connection: close', `content-length: ${body.length}`, '', '');
  connection.end(Buffer.concat([Buffer.from(lines.join('\r\n')), body]), () => connection.destroy());
}
