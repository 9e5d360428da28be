/**
 * The ZooKeeper client library, with its faults of the small kind cured. Nothing else in the tree imports it. It is no
 * longer developed (1.1.3, 2022) and pinned, so its insides, which are touched here and in `connection.ts`, stay as
 * they are.
 * @module
 */
import library, { type Client, type Failure } from 'node-zookeeper-client';

export type { Client, Failure, Stat, TransactionResult } from 'node-zookeeper-client';

/** Numbers that ZooKeeper answers with (KeeperException.Code of its Java client). */
export const code = {
  connectionLoss: library.Exception.CONNECTION_LOSS,
  sessionExpired: library.Exception.SESSION_EXPIRED,
  authFailed: library.Exception.AUTH_FAILED,
  noNode: library.Exception.NO_NODE,
  nodeExists: library.Exception.NODE_EXISTS,
  badVersion: library.Exception.BAD_VERSION,
  notEmpty: library.Exception.NOT_EMPTY,
  noAuth: library.Exception.NO_AUTH,
} as const;

export const mode = {
  persistent: library.CreateMode.PERSISTENT,
  ephemeral: library.CreateMode.EPHEMERAL,
  persistentSequential: library.CreateMode.PERSISTENT_SEQUENTIAL,
  ephemeralSequential: library.CreateMode.EPHEMERAL_SEQUENTIAL,
} as const;

/**
 * A number that the library does not know (-118 session moved, -123, -124, -125 quota …) makes it throw inside the
 * handler of its socket, which nobody can catch. It becomes an error like any other.
 */
const createKnown = library.Exception.create.bind(library.Exception);
library.Exception.create = (number: number, path?: string): Failure => {
  try {
    return createKnown(number, path);
  } catch {
    return Object.assign(new Error(`ZooKeeper error ${number}`), { code: number });
  }
};

export const failure = (number: number): Failure => library.Exception.create(number);

/** All rights for whoever knows the cluster's secret, none for others. */
export const ownAcl = [new library.ACL(library.Permission.ALL, new library.Id('auth', ''))];

export interface ServerAddress {
  /** Name or address; IPv6 literals without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface ClientOptions {
  readonly servers: readonly ServerAddress[];
  readonly secret: string;
  /** Default `pvc`; `super` is the ensemble's superuser. */
  readonly user?: 'pvc' | 'super';
  readonly sessionTimeoutMs: number;
  /** To go on with a session that another client has begun. */
  readonly session?: { readonly id: Buffer; readonly password: Buffer };
}

/** Pause between two rounds through all servers, at most. */
const spinDelayMs = 200;

/** A client that has not connected yet. */
export function createClient({ servers, secret, user = 'pvc', sessionTimeoutMs, session }: ClientOptions): Client {
  // The library would take `[fd00::1]:2181` apart at its colons, so the list is given to it already taken apart.
  const client = library.createClient('127.0.0.1:2181', {
    sessionTimeout: sessionTimeoutMs,
    spinDelay: spinDelayMs,
    // It would send again what may have been done already.
    retries: 0,
    ...(session === undefined ? {} : { sessionId: session.id, sessionPassword: session.password }),
  });
  setServers(client, servers);
  client.addAuthInfo('digest', Buffer.from(`${user}:${secret}`));
  return client;
}

/** Which servers the client tries from now on, in an order by lot; the connection that it has stays. */
export function setServers(client: Client, servers: readonly ServerAddress[]): void {
  const { connectionManager } = client;
  connectionManager.servers = servers.map(({ host, port }) => ({ host, port }));
  connectionManager.nextServerIndex = 0;
  connectionManager.serverAttempts = 0;
}
