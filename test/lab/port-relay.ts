/**
 * Child of `publish.ts`, run in the network of a node: accepts on a socket that was opened in the
 * machine's network and connects each caller to a port of the node. A socket stays in the network
 * in which it was made, so one process can stand in both.
 * @module
 */
import { connect, type Server, type Socket } from 'node:net';

const port = Number(process.argv[2]);

process.on('message', (_message, handle) => {
  const server = handle as Server;
  server.on('connection', (caller: Socket) => {
    const target = connect(port, '127.0.0.1');
    caller.pipe(target).pipe(caller);
    // Whichever side fails takes the other with it; the caller sees a closed connection.
    caller.on('error', () => target.destroy());
    target.on('error', () => caller.destroy());
  });
  process.send?.('ready');
});
process.on('disconnect', () => process.exit());
