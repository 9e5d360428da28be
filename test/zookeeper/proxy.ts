/** A link between a client and a server that a test can cut, freeze or tamper with. @module */
import { connect, createServer, type Server, type Socket } from 'node:net';

type Fate = 'pass' | 'freeze' | 'refuse';

export class Proxy {
  readonly #server: Server;
  readonly #pairs = new Set<{ client: Socket; server: Socket }>();
  readonly port: number;
  /** `freeze`: packets vanish, both ends stay connected. `refuse`: connections are closed at once. */
  #fate: Fate = 'pass';
  /** Connections that were accepted. */
  accepted = 0;
  /** Sees what the server sends; returns what the client gets. */
  tamper: (chunk: Buffer) => Buffer = (chunk) => chunk;

  constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  static async to(target: number): Promise<Proxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new Proxy(server, (server.address() as { port: number }).port);
    server.on('connection', (client) => proxy.#accept(client, target));
    return proxy;
  }

  #accept(client: Socket, target: number): void {
    this.accepted += 1;
    client.on('error', () => {});
    if (this.#fate === 'refuse') return void client.destroy();
    const server = connect({ host: '127.0.0.1', port: target });
    server.on('error', () => {});
    const pair = { client, server };
    this.#pairs.add(pair);
    client.on('data', (chunk) => {
      if (this.#fate === 'pass') server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (this.#fate === 'pass') client.write(this.tamper(chunk));
    });
    client.on('close', () => {
      this.#pairs.delete(pair);
      // What vanishes does so silently: the server does not hear that the client is gone.
      if (this.#fate !== 'freeze') server.destroy();
    });
    server.on('close', () => {
      if (this.#fate !== 'freeze') client.destroy();
    });
  }

  set(fate: Fate): void {
    this.#fate = fate;
    if (fate === 'refuse') this.drop();
  }

  /** Breaks every connection that there is. */
  drop(): void {
    for (const { client, server } of [...this.#pairs]) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  /** Says something to the clients that the server did not say. */
  inject(bytes: Buffer): void {
    for (const { client } of this.#pairs) client.write(bytes);
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
