/**
 * Connections to the API: the unix socket, or TLS with the certificate checked before a byte of a
 * request, and so of a token, is sent.
 * @module
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { errorText } from '../error/error.ts';
import { clientError } from './client-errors.ts';
import type { Address } from './target.ts';

/** Option of a request: ends the making of its connection, which the request itself cannot do. */
export const dialSignal = Symbol('dialSignal');

type Done = (error: Error | null, stream: Duplex) => void;

class SocketAgent extends HttpAgent {
  readonly #path: string;

  constructor(path: string, keepAlive: boolean) {
    super({ keepAlive });
    this.#path = path;
  }

  override createConnection(_options: unknown, done?: Done) {
    return super.createConnection({ path: this.#path }, done);
  }
}

class CheckedTlsAgent extends HttpsAgent {
  readonly #address: Address;

  constructor(address: Address, keepAlive: boolean) {
    super({ keepAlive });
    this.#address = address;
  }

  /** The request gets its connection, and writes to it, only once the certificate was accepted. */
  override createConnection(options: RequestOptions & { readonly [dialSignal]?: AbortSignal }, done?: Done): undefined {
    void this.#dial(done as Done, options[dialSignal]);
    return undefined;
  }

  async #dial(done: Done, signal: AbortSignal | undefined): Promise<void> {
    let socket: TLSSocket;
    try {
      socket = await dialTls(this.#address, signal);
    } catch (error) {
      done(error as Error, undefined as never);
      return;
    }
    done(null, socket);
  }
}

/** An agent that connects to the address; with `keepAlive`, connections serve several requests. */
export function agentOf(address: Address, keepAlive: boolean): HttpAgent {
  return address.socketPath === undefined
    ? new CheckedTlsAgent(address, keepAlive)
    : new SocketAgent(address.socketPath, keepAlive);
}

/** A TLS connection whose certificate was accepted. @throws PvcError CERTIFICATE_MISMATCH, CERTIFICATE_UNKNOWN */
async function dialTls(address: Address, signal: AbortSignal | undefined): Promise<TLSSocket> {
  const socket = await openTls(address, signal);
  try {
    checkCertificate(socket, address);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return socket;
}

const isAddress = (host: string): boolean => host.includes(':') || /^\d+\.\d+\.\d+\.\d+$/.test(host);

/**
 * A TLS connection to whoever answers there; nothing may be sent on it before its certificate was checked.
 * The signal ends the attempt, not a connection that has been made.
 */
export function openTls(
  address: Pick<Address, 'host' | 'port' | 'caPem' | 'certificate'>,
  signal: AbortSignal | undefined,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = new HttpsAgent({ maxCachedSessions: 0 }).createConnection({
      host: address.host,
      port: address.port,
      // RFC 6066 section 3: a server name is never an address.
      servername: isAddress(address.host) ? '' : address.host,
      ...(address.caPem === undefined ? {} : { ca: address.caPem }),
      ...(address.certificate === undefined ? {} : { cert: address.certificate.cert, key: address.certificate.key }),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      // Node's own check would end the connection without telling the fingerprint; ours follows at once.
      rejectUnauthorized: false,
    } as RequestOptions) as TLSSocket;
    const stop = (): void => void socket.destroy(signal?.reason as Error);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    socket.once('close', () => signal?.removeEventListener('abort', stop));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      signal?.removeEventListener('abort', stop);
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

function checkCertificate(socket: TLSSocket, { server, fingerprint, untrusted }: Address): void {
  if (untrusted === true) return;
  const found = socket.getPeerCertificate().fingerprint256 as string | undefined;
  if (found === undefined) throw clientError('CERTIFICATE_UNKNOWN', { server, found: 'none', reason: 'it shows none' });
  if (fingerprint !== undefined) {
    if (found !== fingerprint) throw clientError('CERTIFICATE_MISMATCH', { server, found, expected: fingerprint });
    return;
  }
  if (!socket.authorized)
    throw clientError('CERTIFICATE_UNKNOWN', { server, found, reason: errorText(socket.authorizationError) });
}
