/**
 * A real ZooKeeper ensemble on loopback, for tests: each server a process of its own with its data in a temporary
 * directory, all of it gone at the end.
 * @module
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface EnsembleOptions {
  /** Default 3. */
  readonly servers?: number;
  /** Default 500. A session lasts from twice this to twenty times. */
  readonly tickTimeMs?: number;
}

export class EnsembleServer {
  readonly id: number;
  readonly port: number;
  readonly directory: string;
  #process: ChildProcess | undefined;

  constructor(id: number, port: number, directory: string) {
    this.id = id;
    this.port = port;
    this.directory = directory;
  }

  start(): void {
    assert.equal(this.#process, undefined, `server ${this.id} runs already`);
    const child = spawn(
      'java',
      [
        '-Xmx192m',
        '-XX:TieredStopAtLevel=1',
        '-XX:+UseSerialGC',
        '-Djute.maxbuffer=8388608',
        '-Dzookeeper.log.threshold=WARN',
        '-cp',
        '/usr/share/java/zookeeper.jar:/usr/share/java/*',
        'org.apache.zookeeper.server.quorum.QuorumPeerMain',
        join(this.directory, 'zoo.cfg'),
      ],
      { stdio: ['ignore', 'pipe', 'pipe'], detached: false },
    );
    this.#process = child;
    child.stdout?.resume();
    child.stderr?.resume();
  }

  get running(): boolean {
    return this.#process !== undefined;
  }

  /** @param signal SIGKILL is a crash; SIGSTOP and SIGCONT hold the server still. */
  async signal(signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      child.kill(signal);
      return;
    }
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill(signal);
    await ended;
    this.#process = undefined;
  }

  /** `leader`, `follower`, `standalone`; undefined while it does not serve. */
  async role(): Promise<string | undefined> {
    const text = await fourLetters(this.port, 'srvr').catch(() => '');
    return /^Mode: (\w+)$/m.exec(text)?.[1];
  }
}

/** Asks a server with one of its four-letter words. */
export function fourLetters(port: number, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(2_000, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.end(word));
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

export class Ensemble {
  readonly servers: readonly EnsembleServer[];
  readonly #directory: string;

  constructor(servers: readonly EnsembleServer[], directory: string) {
    this.servers = servers;
    this.#directory = directory;
  }

  get addresses(): { host: string; port: number }[] {
    return this.servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  }

  /** Resolves when every server that runs serves. */
  async serving(withinMs = 30_000): Promise<void> {
    const end = performance.now() + withinMs;
    for (const server of this.servers.filter((one) => one.running)) {
      while ((await server.role()) === undefined) {
        if (performance.now() > end) {
          const log = readFileSync(join(server.directory, 'zoo.cfg'), 'utf8');
          assert.fail(`ZooKeeper server ${server.id} does not serve; its configuration:\n${log}`);
        }
        await delay(50);
      }
    }
  }

  async leader(): Promise<EnsembleServer> {
    for (const server of this.servers) {
      const role = await server.role();
      if (role === 'leader' || role === 'standalone') return server;
    }
    return assert.fail('there is no leader');
  }

  async follower(): Promise<EnsembleServer> {
    for (const server of this.servers) if ((await server.role()) === 'follower') return server;
    return assert.fail('there is no follower');
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.signal('SIGKILL')));
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts an ensemble and waits until it serves. */
export async function startEnsemble(options: EnsembleOptions = {}): Promise<Ensemble> {
  const count = options.servers ?? 3;
  const directory = mkdtempSync(join(tmpdir(), 'pvc-zookeeper-'));
  const ports = await freePorts(3 * count);
  const members = Array.from(
    { length: count },
    (_, n) => `server.${n + 1}=127.0.0.1:${ports[3 * n + 1]}:${ports[3 * n + 2]}`,
  );
  const servers = Array.from({ length: count }, (_, n) => {
    const own = join(directory, String(n + 1));
    mkdirSync(own);
    writeFileSync(join(own, 'myid'), `${n + 1}\n`);
    writeFileSync(
      join(own, 'zoo.cfg'),
      [
        `tickTime=${options.tickTimeMs ?? 500}`,
        'initLimit=20',
        'syncLimit=6',
        `dataDir=${own}`,
        `clientPort=${ports[3 * n]}`,
        'clientPortAddress=127.0.0.1',
        'admin.enableServer=false',
        '4lw.commands.whitelist=*',
        'preAllocSize=1024',
        'maxClientCnxns=0',
        ...(count > 1 ? members : []),
        '',
      ].join('\n'),
    );
    return new EnsembleServer(n + 1, ports[3 * n] as number, own);
  });
  const ensemble = new Ensemble(servers, directory);
  try {
    for (const server of servers) server.start();
    await ensemble.serving();
  } catch (error) {
    await ensemble.stop();
    throw error;
  }
  return ensemble;
}
