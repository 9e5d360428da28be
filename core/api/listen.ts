/** Opens the API's doors: the unix socket of this machine, and HTTPS for everybody with a token. @module */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname } from 'node:path';
import type { Host } from '../host/host.ts';
import { systemReason } from '../host/system-error.ts';
import { type DoorParts, type Listener, serveApp, serverLimits } from './door-server.ts';
import { listenError } from './listen-errors.ts';

export interface SocketParts extends DoorParts {
  readonly path: string;
  /** Group that may use the socket besides its owner. */
  readonly group?: string;
}

const probeMs = 2_000;

/**
 * Opens the unix socket, mode 0600, or 0660 with a group. What a dead process left at the path is
 * replaced. @throws PvcError SOCKET_IN_USE, SOCKET_PATH_TAKEN, SOCKET_GROUP_UNKNOWN, LISTEN_FAILED
 */
export async function listenSocket(parts: SocketParts): Promise<Listener> {
  const { path, group, host } = parts;
  const gid = group === undefined ? undefined : await groupId(host, group);
  await host.files.makeDirectory(dirname(path), 0o755);
  await clearStale(host, path);
  const server = createServer(serverLimits);
  const close = serveApp(server, 'socket', parts);
  // It is born with the rights that the umask leaves. Nobody else can reach it here until it has its own.
  const nursery = `${path}.new`;
  const born = `${nursery}/s`;
  try {
    await host.files.remove(nursery);
    await host.files.makeDirectory(nursery, 0o700);
    await listening(server, { path: born }, path);
    await host.files.setAccess(born, gid === undefined ? 0o600 : 0o660, gid);
    await host.files.rename(born, path);
  } catch (error) {
    if (server.listening) await close();
    throw error;
  } finally {
    await host.files.remove(nursery);
  }
  const ours = (await host.files.stat(path))?.inode;
  return {
    address: path,
    async close() {
      await close();
      // Another daemon may have put its own there since.
      if (ours !== undefined && (await host.files.stat(path))?.inode === ours) await host.files.remove(path);
    },
  };
}

async function clearStale(host: DoorParts['host'], path: string): Promise<void> {
  const found = await host.files.stat(path);
  if (found === undefined) return;
  if (found.kind !== 'socket') throw listenError('SOCKET_PATH_TAKEN', { path });
  try {
    (await host.net.connect({ path }, probeMs)).destroy();
  } catch (error) {
    const { code } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT') return;
    // Only a refusal says that nobody holds it; one who is too busy to answer still does.
    if (code === 'ECONNREFUSED') return host.files.remove(path);
  }
  throw listenError('SOCKET_IN_USE', { path });
}

/** From group(5). */
async function groupId(host: Pick<Host, 'files'>, group: string): Promise<number> {
  const lines = ((await host.files.readText('/etc/group')) ?? '').split('\n');
  const fields = lines.map((line) => line.split(':')).find(([name]) => name === group);
  const gid = Number(fields?.[2] ?? Number.NaN);
  if (!Number.isInteger(gid)) throw listenError('SOCKET_GROUP_UNKNOWN', { group });
  return gid;
}

export interface HttpsParts extends DoorParts {
  readonly address: string;
  /** 0 takes any free one. */
  readonly port: number;
  readonly certFile: string;
  readonly keyFile: string;
  /** Certificate of the authority (PEM) by which other nodes are known. */
  readonly authority?: string;
}

/** How often the certificate's files are looked at. */
const certificateLookMs = 10_000;

/**
 * Opens HTTPS with TLS 1.2 or newer. A certificate that changes on disk is taken up without a restart;
 * one that cannot be used is logged, and the old one stays.
 * @throws PvcError PORT_IN_USE, LISTEN_FAILED, CERTIFICATE_UNUSABLE
 */
export async function listenHttps(parts: HttpsParts): Promise<Listener> {
  const { address, port, host } = parts;
  const first = await readPair(parts);
  // Who shows a certificate of the cluster's is a node; who shows none, or another, needs a token.
  const members = parts.authority === undefined ? {} : { ca: parts.authority };
  const server = createHttpsServer({
    ...serverLimits,
    ...first.pair,
    ...members,
    requestCert: parts.authority !== undefined,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    handshakeTimeout: 10_000,
  });
  const close = serveApp(server, 'https', parts);
  await listening(server, { host: address, port }, address);
  const stop = new AbortController();
  void watchPair(parts, first.mark, stop.signal, (pair) =>
    server.setSecureContext({ ...pair, ...members, minVersion: 'TLSv1.2' }),
  );
  const bound = server.address() as AddressInfo;
  host.log.info('the HTTPS API is open', { address: bound.address, port: bound.port });
  return {
    address: bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`,
    close() {
      stop.abort();
      return close();
    },
  };
}

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Changes when one of the files does. */
async function markOf({ host, certFile, keyFile }: HttpsParts): Promise<string> {
  const stats = await Promise.all([host.files.stat(certFile), host.files.stat(keyFile)]);
  return JSON.stringify(stats.map((stat) => [stat?.inode, stat?.size, stat?.mtimeMs]));
}

/** Reads both files and makes sure that they belong together. @throws PvcError CERTIFICATE_UNUSABLE */
async function readPair(parts: HttpsParts): Promise<{ pair: Pair; mark: string }> {
  const { host, certFile, keyFile } = parts;
  const unusable = (reason: string, cause?: unknown) =>
    listenError('CERTIFICATE_UNUSABLE', { certFile, keyFile, reason }, { cause });
  const mark = await markOf(parts);
  const [cert, key] = await Promise.all([host.files.readText(certFile), host.files.readText(keyFile)]);
  if (cert === undefined) throw unusable(`${certFile} does not exist`);
  if (key === undefined) throw unusable(`${keyFile} does not exist`);
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw unusable((error as Error).message, error);
  }
  if (!fits) throw unusable('the key belongs to another certificate');
  return { pair: { cert, key }, mark };
}

async function watchPair(
  parts: HttpsParts,
  firstMark: string,
  signal: AbortSignal,
  use: (pair: Pair) => void,
): Promise<void> {
  const { host } = parts;
  let known = firstMark;
  for (;;) {
    try {
      await host.clock.sleep(certificateLookMs, signal);
    } catch {
      return; // closed
    }
    try {
      const mark = await markOf(parts);
      if (mark === known) continue;
      known = mark; // a broken pair is reported once, not at every look
      const read = await readPair(parts);
      use(read.pair);
      known = read.mark;
      host.log.info('the new certificate is in use', { certFile: parts.certFile });
    } catch (error) {
      host.log.warn('the changed certificate is not used; the old one stays', { reason: (error as Error).message });
    }
  }
}

function listening(
  server: Server,
  where: { path: string } | { host: string; port: number },
  address: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE')
        reject(listenError('LISTEN_FAILED', { address, reason: systemReason(error) }, { cause: error }));
      else if ('path' in where) reject(listenError('SOCKET_IN_USE', { path: where.path }, { cause: error }));
      else reject(listenError('PORT_IN_USE', { port: where.port, address }, { cause: error }));
    });
    server.listen(where, () => resolve());
  });
}
