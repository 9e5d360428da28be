/** What PVC uses of the client library, which has no types of its own; `connectionManager` is internal to it. */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';
  import type { Socket } from 'node:net';

  export interface Stat {
    readonly czxid: Buffer;
    readonly version: number;
    readonly cversion: number;
    readonly ephemeralOwner: Buffer;
    readonly numChildren: number;
  }

  export interface Failure extends Error {
    readonly code: number;
  }

  export interface TransactionOp {
    version?: number;
  }

  export interface TransactionResult {
    readonly type: number;
    readonly err?: number;
    readonly path?: string;
  }

  export interface Transaction {
    readonly ops: TransactionOp[];
    create(path: string, data: Buffer, acls: readonly ACL[], mode: number): Transaction;
    setData(path: string, data: Buffer, version: number): Transaction;
    check(path: string, version: number): Transaction;
    remove(path: string, version: number): Transaction;
    commit(callback: (error: Failure | null, results?: readonly TransactionResult[]) => void): void;
  }

  export interface ConnectionManager {
    state: number;
    socket: Socket | undefined;
    pendingBuffer: Buffer | null;
    connectTimeoutHandler: NodeJS.Timeout | null;
    servers: { host: string; port: number }[];
    nextServerIndex: number;
    serverAttempts: number;
    sessionTimeout: number;
    packetQueue: { shift(): { readonly callback?: (error: Failure) => void } | undefined };
    pendingQueue: unknown[];
    connect(): void;
    cleanupPendingQueue(code: number): void;
  }

  export interface Client extends EventEmitter {
    readonly connectionManager: ConnectionManager;
    connect(): void;
    close(): void;
    addAuthInfo(scheme: string, auth: Buffer): void;
    getSessionId(): Buffer;
    getSessionPassword(): Buffer;
    getData(path: string, callback: (error: Failure | null, data?: Buffer, stat?: Stat) => void): void;
    exists(path: string, callback: (error: Failure | null, stat?: Stat | null) => void): void;
    getChildren(
      path: string,
      watcher: (() => void) | undefined,
      callback: (error: Failure | null, children?: string[], stat?: Stat) => void,
    ): void;
    setData(path: string, data: Buffer, version: number, callback: (error: Failure | null) => void): void;
    create(
      path: string,
      data: Buffer,
      acls: readonly ACL[],
      mode: number,
      callback: (error: Failure | null, path?: string) => void,
    ): void;
    remove(path: string, version: number, callback: (error: Failure | null) => void): void;
    transaction(): Transaction;
  }

  export interface Id {
    readonly scheme: string;
    readonly id: string;
  }
  export interface ACL {
    readonly permission: number;
    readonly id: Id;
  }
  const library: {
    createClient(
      servers: string,
      options: {
        sessionTimeout: number;
        spinDelay: number;
        retries: 0;
        sessionId?: Buffer;
        sessionPassword?: Buffer;
      },
    ): Client;
    readonly ACL: new (permission: number, id: Id) => ACL;
    readonly Id: new (scheme: string, id: string) => Id;
    readonly Permission: { readonly ALL: number };
    readonly CreateMode: {
      readonly PERSISTENT: number;
      readonly EPHEMERAL: number;
      readonly PERSISTENT_SEQUENTIAL: number;
      readonly EPHEMERAL_SEQUENTIAL: number;
    };
    readonly Exception: {
      create(code: number, path?: string): Failure;
      readonly CONNECTION_LOSS: number;
      readonly SESSION_EXPIRED: number;
      readonly NO_NODE: number;
      readonly NODE_EXISTS: number;
      readonly BAD_VERSION: number;
      readonly NOT_EMPTY: number;
      readonly NO_AUTH: number;
      readonly AUTH_FAILED: number;
    };
  };
  export default library;
}

/** How the library writes requests down; internal to it. */
declare module 'node-zookeeper-client/lib/jute/index.js' {
  export interface RequestHeader {
    type: number;
  }
  export interface Request {
    readonly header: RequestHeader;
    readonly payload: unknown;
    toBuffer(): Buffer;
  }
  const jute: {
    readonly Request: new (header: RequestHeader, payload: unknown) => Request;
    readonly protocol: { readonly RequestHeader: new () => RequestHeader };
  };
  export default jute;
}
