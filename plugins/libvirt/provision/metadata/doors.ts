/**
 * The doors at which guests ask: on each node a port for each network, to which the plugin of networks leads what guests of that
 * network send to the address of the service. So the port tells the network, and the neighbour on its bridge the card.
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorText, faultId, type Runtime, Turns } from '../../../../core/plugin/api.ts';
import { vm } from '../../vm-kind.ts';
import { factsOf, guestSeed } from '../guest-seed.ts';
import { type Answer, answerTo } from './answer.ts';
import { keyOf } from './key.ts';
import { neighbourOf, plainAddress } from './neighbour.ts';

/** A network whose guests may ask. */
export interface AskingNetwork {
  /** Its number. */
  readonly vni: string;
  readonly name: string;
  /** The device of this node by which its guests reach the service. */
  readonly bridge: string;
}

/** What a plugin of networks is given to lead guests here. */
export interface MetadataDoors {
  /**
   * Opens a door for each of them, and closes those of others; what is as it was stays open.
   * @returns ports by number of the network; a door that cannot be had is left out, and a fault
   * @throws Error when the daemon ends: what leads to the doors is left as it is for the next one
   */
  readonly open: (networks: readonly AskingNetwork[]) => Promise<ReadonlyMap<string, number>>;
}

interface Door {
  readonly network: AskingNetwork;
  readonly server: Server;
  readonly port: number;
}

type Parts = Pick<Runtime, 'documents' | 'write' | 'faults' | 'node' | 'signal'> & {
  readonly host: Pick<Runtime['host'], 'clock' | 'log' | 'processes' | 'random'>;
};

/** Of one network at a time; each guest asks a few times when it boots. */
const mostConnections = 128;
/** Below those that the kernel gives out by itself; the same after a restart, so that nothing has to be loaded anew. */
const firstPort = 20_000;
const ports = 10_000;
const nothing: Answer = { status: 404, body: 'nobody is known here by this address\n' };

export class Doors implements MetadataDoors {
  readonly #parts: Parts;
  /** One command at a time, however many ask. */
  readonly #looks = new Turns();
  readonly #turns = new Turns();
  readonly #doors = new Map<string, Door>();
  readonly #fault: string;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#fault = faultId('metadata', parts.node);
    parts.signal.addEventListener('abort', () => void this.#turns.take(async () => this.#closeBut(new Map())), {
      once: true,
    });
  }

  readonly open = (networks: readonly AskingNetwork[]): Promise<ReadonlyMap<string, number>> => {
    return this.#turns.take(async () => {
      this.#parts.signal.throwIfAborted();
      const wanted = new Map(networks.map((one) => [one.vni, one]));
      this.#closeBut(wanted);
      const failed: string[] = [];
      for (const network of wanted.values())
        if (!this.#doors.has(network.vni))
          try {
            this.#doors.set(network.vni, await this.#openDoor(network));
          } catch (error) {
            failed.push(`${network.name}: ${errorText(error)}`);
          }
      this.#tell(failed);
      return new Map([...this.#doors].map(([vni, { port }]) => [vni, port]));
    });
  };

  #closeBut(wanted: ReadonlyMap<string, AskingNetwork>): void {
    for (const [vni, { network, server }] of this.#doors) {
      const { name, bridge } = wanted.get(vni) ?? {};
      if (name === network.name && bridge === network.bridge) continue;
      server.close();
      server.closeAllConnections();
      this.#doors.delete(vni);
    }
  }

  #tell(failed: readonly string[]): void {
    const { faults, node } = this.#parts;
    if (failed.length === 0) faults.clear(this.#fault);
    else
      faults.raise(this.#fault, {
        severity: 'warning',
        message: `Guests of some networks get no answer from the metadata service on ${node}: ${failed.join('; ')}`,
        hint: 'It is tried again every few seconds. Guests with a seed disk do not need it.',
        object: `node ${node}`,
      });
  }

  async #openDoor(network: AskingNetwork): Promise<Door> {
    const preferred = firstPort + (Number(network.vni) % ports);
    try {
      return await this.#listen(network, preferred);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return this.#listen(network, 0);
    }
  }

  async #listen(network: AskingNetwork, port: number): Promise<Door> {
    const { log } = this.#parts.host;
    // Whoever has just spoken is known to the kernel; later the address may be another's.
    const cards = new WeakMap<Socket, string>();
    const server = createServer(
      { headersTimeout: 10_000, requestTimeout: 20_000, keepAliveTimeout: 5_000, maxHeaderSize: 8 * 1024 },
      (incoming, outgoing) => void this.#serve(network, cards, incoming, outgoing),
    );
    server.maxConnections = mostConnections;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) =>
      log.warn('a door of the metadata service has a trouble', { reason: errorText(error) }),
    );
    return { network, server, port: (server.address() as AddressInfo).port };
  }

  async #serve(
    network: AskingNetwork,
    cards: WeakMap<Socket, string>,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ): Promise<void> {
    // Nothing that a guest sends is of use.
    incoming.resume();
    let answer: Answer;
    try {
      answer = await this.#answer(network, cards, incoming);
    } catch (error) {
      this.#parts.host.log.warn('a guest was not told its metadata', {
        network: network.name,
        reason: errorText(error),
      });
      answer = { status: 503, body: 'not now\n', headers: { 'retry-after': '2' } };
    }
    const bytes = Buffer.from(answer.body);
    outgoing.writeHead(answer.status, {
      'content-type': 'text/plain; charset=utf-8',
      'content-length': bytes.length,
      ...answer.headers,
    });
    outgoing.end(incoming.method === 'HEAD' ? undefined : bytes);
  }

  async #answer(
    { vni, name, bridge }: AskingNetwork,
    cards: WeakMap<Socket, string>,
    { socket, method = '', url = '/', headers }: IncomingMessage,
  ): Promise<Answer> {
    const { documents, host } = this.#parts;
    const address = plainAddress(socket.remoteAddress);
    if (address === undefined) return nothing;
    const mac = cards.get(socket) ?? (await this.#looks.take(() => neighbourOf(host, bridge, address)));
    if (mac !== undefined) cards.set(socket, mac);
    const id = mac === undefined ? undefined : await documents.find(vm, 'mac', mac);
    const guest = id === undefined ? undefined : await documents.get(vm, id);
    if (mac === undefined || guest === undefined) return nothing;
    const here = guest.spec.nics.some(
      (nic) => nic.mac === mac && nic.source.type === 'network' && nic.source.network === name,
    );
    if (!here) return nothing;
    const seed = (await documents.get(guestSeed, guest.id))?.spec;
    const asking = { facts: factsOf(guest, seed), mac, address, noCloud: seed?.way === 'network' };
    const [path = '/'] = url.split('?');
    return answerTo({ method, path, headers }, { vni, mac }, asking, await keyOf(this.#parts), host.clock.wallMs());
  }
}
