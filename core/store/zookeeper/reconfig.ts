/**
 * Changes which servers form the ensemble (ZooKeeper Dynamic Reconfiguration Guide). The client library has no such
 * request, but takes any that can be written down; its answer looks like that of a read.
 * @module
 */
import jute from 'node-zookeeper-client/lib/jute/index.js';
import type { Host } from '../../host/host.ts';
import { Connection, NotSent } from './connection.ts';
import { code, type Failure, failure, type ServerAddress } from './library.ts';

/** Number of the request (ZooDefs.OpCode.reconfig). */
const reconfigCode = 16;
/** A request that is answered with data and a stat, as this one is. */
const getDataCode = 4;
/** Its xid is given by the connection. */
interface Header {
  type: number;
}

interface RawConnectionManager {
  queue(
    request: { header: Header; payload: unknown; toBuffer(): Buffer },
    callback: (error: Failure | null, response?: { payload: { data: Buffer | null } }) => void,
  ): void;
}

export interface Reconfiguration {
  /** Lines as `server.4=10.0.0.14:2888:3888:participant;10.0.0.14:2181`. */
  readonly joining?: readonly string[];
  /** Numbers of servers. */
  readonly leaving?: readonly number[];
}

/** The body of ReconfigRequest (zookeeper.jute): three strings, of which one may be null, and the expected version. */
class ReconfigRequest {
  readonly #bytes: Buffer;

  constructor({ joining = [], leaving = [] }: Reconfiguration) {
    const text = (value: string | undefined): Buffer => {
      const bytes = Buffer.from(value ?? '');
      const length = Buffer.alloc(4);
      length.writeInt32BE(value === undefined ? -1 : bytes.length);
      return Buffer.concat([length, bytes]);
    };
    // Any version: the ensemble itself lets one change happen at a time.
    const version = Buffer.alloc(8, 0xff);
    this.#bytes = Buffer.concat([
      text(joining.length === 0 ? undefined : joining.join(',')),
      text(leaving.length === 0 ? undefined : leaving.join(',')),
      text(undefined),
      version,
    ]);
  }

  byteLength(): number {
    return this.#bytes.length;
  }

  serialize(buffer: Buffer, offset: number): number {
    return this.#bytes.copy(buffer, offset);
  }
}

/**
 * Asks for the change as the ensemble's superuser. @returns the new configuration's text
 * @throws Failure with ZooKeeper's number: -13 a change is under way, -14 the new servers have not caught up,
 * `connectionLoss` when it is not known whether it was done
 */
export async function reconfigure(
  host: Pick<Host, 'clock' | 'log'>,
  access: { readonly servers: readonly ServerAddress[]; readonly secret: string; readonly timeoutMs: number },
  change: Reconfiguration,
): Promise<string> {
  return withSuperuser(host, access, async (connection) => {
    const header = new jute.protocol.RequestHeader();
    header.type = reconfigCode;
    const request = new jute.Request(header, new ReconfigRequest(change));
    const toBuffer = request.toBuffer.bind(request);
    request.toBuffer = () => {
      const bytes = toBuffer();
      // Once it is written down, what matters is how its answer is read.
      header.type = getDataCode;
      return bytes;
    };
    return connection.call<string>(access.timeoutMs, (client, callback) =>
      (client.connectionManager as unknown as RawConnectionManager).queue(request, (error, response) => {
        if (error) callback(error);
        else callback(null, response?.payload.data?.toString('utf8') ?? '');
      }),
    );
  });
}

async function withSuperuser<T>(
  host: Pick<Host, 'clock' | 'log'>,
  { servers, secret, timeoutMs }: { servers: readonly ServerAddress[]; secret: string; timeoutMs: number },
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connected = Promise.withResolvers<void>();
  const connection = new Connection(
    host,
    {
      servers,
      secret,
      user: 'super',
      sessionTimeoutMs: timeoutMs,
      connectTimeoutMs: timeoutMs / 5,
      silenceMs: timeoutMs,
      maxInFlight: 1,
    },
    {
      onConnected: () => connected.resolve(),
      onDisconnected: () => {},
      onExpired: () => connected.reject(failure(code.authFailed)),
    },
  );
  const cancel = host.clock.after(timeoutMs, () => connected.reject(new NotSent()));
  try {
    connection.open();
    await connected.promise;
    return await work(connection);
  } finally {
    cancel();
    await connection.close(timeoutMs / 5);
  }
}
