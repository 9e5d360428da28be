/** Asks other nodes over their HTTPS API, with this node's certificate and for the actor that asked here. @module */
import type { Duplex } from 'node:stream';
import { createClient, type PvcClient } from '../client/client.ts';
import { errorText, PvcError } from '../error/error.ts';
import { node as nodeKind } from '../model/node-kind.ts';
import { operationError } from '../operation/errors.ts';
import type { RemoteNodes } from '../operation/execute.ts';
import type { Actor, Feed, FeedItem, Operation } from '../operation/operation.ts';
import type { OperationRegistry } from '../operation/registry.ts';
import type { DownloadBody, UploadAnswer } from '../operation/stream-types.ts';
import { View } from '../operation/view.ts';
import type { Documents } from '../store/documents.ts';

export interface PeerIdentity {
  readonly cert: string;
  readonly key: string;
  readonly authority: string;
}

export interface RemoteParts {
  readonly documents: Documents;
  readonly registry: OperationRegistry;
  readonly node: string;
  readonly port: number;
  /** Read at each use: certificates are renewed while the daemon runs. */
  readonly identity: () => Promise<PeerIdentity | undefined>;
}

/** A node that is alive answers in this time, or it is as good as gone; unless what it is asked for takes longer. */
const queryTimeoutMs = 10_000;

export function createRemoteNodes(parts: RemoteParts): RemoteNodes {
  const { documents, registry, port } = parts;

  const reach = async (name: string, operation: Operation, actor: Actor): Promise<PvcClient> => {
    const unreachable = (reason: string) =>
      operationError('NODE_UNREACHABLE', { operation: operation.name, node: name, reason });
    const doc = await documents.need(nodeKind, name);
    if (!(await new View(documents).alive()).has(name)) throw unreachable('its daemon does not run');
    const { address } = doc.spec;
    if (address === undefined) throw unreachable('it has no address on a cluster network');
    const identity = await parts.identity();
    if (identity === undefined) throw unreachable('this node has no certificate of the cluster');
    return createClient(
      {
        url: `https://${address.includes(':') ? `[${address}]` : address}:${port}`,
        caPem: identity.authority,
        peer: { cert: identity.cert, key: identity.key, actor },
      },
      registry,
    );
  };

  /** What is wrong with the way there, told as such; what the node itself says stays as it is. */
  const told = (error: unknown, name: string, operation: Operation): unknown =>
    error instanceof PvcError &&
    ['API_UNREACHABLE', 'CERTIFICATE_UNKNOWN', 'QUERY_LATE', 'PEER_UNKNOWN'].includes(error.code)
      ? operationError(
          'NODE_UNREACHABLE',
          { operation: operation.name, node: name, reason: errorText(error) },
          { cause: error },
        )
      : error;

  return {
    async query(name, operation, input, actor, signal) {
      const client = await reach(name, operation, actor);
      try {
        const { answersWithinMs = queryTimeoutMs } = operation;
        return await client.call(operation.name, input, { signal, timeoutMs: answersWithinMs });
      } catch (error) {
        throw told(error, name, operation);
      } finally {
        client.close();
      }
    },
    async *feed(
      name: string,
      operation: Feed,
      input: unknown,
      actor: Actor,
      signal: AbortSignal,
      resumeAfter: string | undefined,
    ): AsyncIterable<FeedItem<unknown>> {
      const client = await reach(name, operation, actor);
      try {
        for await (const item of client.follow(operation.name, input, {
          signal,
          ...(resumeAfter === undefined ? {} : { resumeAfter }),
        }))
          yield item;
      } catch (error) {
        throw told(error, name, operation);
      } finally {
        client.close();
      }
    },
    async channel(name, operation, input, actor, signal): Promise<Duplex> {
      const client = await reach(name, operation, actor);
      try {
        const stream = await client.channel(operation.name, input, signal);
        stream.once('close', () => client.close());
        return stream;
      } catch (error) {
        client.close();
        throw told(error, name, operation);
      }
    },
    async upload(name, operation, input, actor, body, options): Promise<UploadAnswer> {
      const client = await reach(name, operation, actor);
      try {
        return await client.upload(operation.name, input, body, options);
      } catch (error) {
        throw told(error, name, operation);
      } finally {
        client.close();
      }
    },
    async download(name, operation, input, actor, signal): Promise<DownloadBody> {
      const client = await reach(name, operation, actor);
      try {
        // Each body has a connection of its own, which ends with it.
        return await client.download(operation.name, input, { signal });
      } catch (error) {
        throw told(error, name, operation);
      }
    },
  };
}
