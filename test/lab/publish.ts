/**
 * Makes a TCP port of a node reachable on the machine's loopback: for a browser, and for tests that speak
 * to the API as a stranger would.
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { LabRecord } from './state.ts';
import { LabError, namespaceName, nodeOf } from './topology.ts';

export interface PublishedPort extends AsyncDisposable {
  /** On 127.0.0.1 of the machine. */
  readonly port: number;
}

/**
 * Listens on 127.0.0.1 and forwards to `nodePort` on the node's own loopback until disposed of.
 * @param port the wish for a port number; a free one is taken when that is in use, or when it is 0
 * @throws LabError when the node does not exist or the relay does not start
 */
export async function publishPort(
  record: LabRecord,
  member: string,
  nodePort: number,
  port = 0,
): Promise<PublishedPort> {
  const namespace = namespaceName(record.topology.name, nodeOf(record.topology, member).name);
  const server = createServer();
  await listen(server, port);
  const { port: taken } = server.address() as AddressInfo;
  const relay = spawn(
    'nsenter',
    [`--net=/run/netns/${namespace}`, process.execPath, join(import.meta.dirname, 'port-relay.ts'), String(nodePort)],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  const ended = once(relay, 'exit');
  const hasStarted = await Promise.race([
    once(relay, 'message').then(() => true),
    ended.then(() => false),
    new Promise<void>((resolve, reject) =>
      relay.send('server', server, {}, (error) => (error ? reject(error) : resolve())),
    )
      .then(() => ended)
      .then(() => false),
  ]);
  // The relay has its own hold on the socket.
  server.close();
  if (!hasStarted) throw new LabError(`the relay to ${member}:${nodePort} did not start`);
  return {
    port: taken,
    async [Symbol.asyncDispose]() {
      relay.disconnect();
      await ended;
    },
  };
}

/** Resolves when the server listens on `port`, or on any port when that one is taken. */
async function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || port === 0) throw error;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
}
