/** FRR on this node: its files, its start, its commands. @module */
import { type Host, type Runtime, type ServiceDefinition } from '../../../core/plugin/api.ts';
import { keepRouters } from '../links/forwarding.ts';
import { networkError } from '../network/network-kind.ts';
import { type RouterSession, readRouterSessions } from '../upstream/router-sessions.ts';
import { readWatched } from './bfd.ts';
import { confPath, daemonsPath, isForeign, readSessions, type Session, withDaemons } from './frr-conf.ts';
import { type Neighbour, readNeighbours } from './neighbours.ts';
import { binDirectory, vtyshScript } from './vtysh.ts';

const program = '/usr/lib/frr';
const runDirectory = '/run/frr';
const askMs = 5_000;
const reloadMs = 60_000;
/** A neighbour that was cut off is gone before FRR gets its configuration. */
const cutMs = 500;

export class Frr {
  readonly #runtime: Runtime;
  readonly #host: Host;
  #service: ReturnType<Runtime['supervise']> | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#host = runtime.host;
  }

  /** Where it is written what FRR was last told; gone after a boot, as FRR is. */
  get #loadedPath(): string {
    return `${this.#runtime.directories.run}/frr-loaded.conf`;
  }

  get serving(): boolean {
    return this.#service !== undefined;
  }

  conf(): Promise<string | undefined> {
    return this.#host.files.readText(confPath);
  }

  /** The text that FRR has surely read. */
  loaded(): Promise<string | undefined> {
    return this.#host.files.readText(this.#loadedPath);
  }

  /** @throws PvcError FRR_MISSING, FRR_FOREIGN */
  async writeFiles(conf: string, daemons: readonly string[]): Promise<void> {
    const { files } = this.#host;
    const known = await files.readText(daemonsPath);
    if (known === undefined || (await files.stat(`${program}/frr-reload.py`)) === undefined)
      throw networkError('FRR_MISSING', { node: this.#runtime.node });
    const before = await this.conf();
    if (before !== undefined && isForeign(before)) throw networkError('FRR_FOREIGN', { node: this.#runtime.node });
    const wanted = withDaemons(known, daemons);
    if (wanted !== known) await files.writeAtomic(daemonsPath, wanted, 0o640);
    await files.writeAtomic(confPath, conf, 0o640);
  }

  /** Has it running from now on. */
  async serve(daemons: readonly string[]): Promise<void> {
    if (this.#service !== undefined) return;
    const made = await this.#host.processes.exec(['install', '-d', '-o', 'frr', '-g', 'frr', runDirectory], {
      timeoutMs: askMs,
    });
    if (made.code !== 0) throw new Error(`${runDirectory} cannot be made: ${made.stderr.trim()}`);
    // Its zebra makes the node pass packets on.
    await keepRouters(this.#host);
    const service = this.#runtime.supervise(await this.#definition(daemons));
    this.#service = service;
    if (!(await this.#isUp('zebra'))) return;
    // As Debian starts it, it has no BGP, and would never get it.
    for (const daemon of daemons)
      if (!(await this.#isUp(daemon))) {
        await service.restart();
        return;
      }
  }

  async #isUp(daemon: string): Promise<boolean> {
    return (await this.#host.files.stat(`${runDirectory}/${daemon}.vty`)) !== undefined;
  }

  async #definition(daemons: readonly string[]): Promise<ServiceDefinition> {
    // From FRR 10 on one daemon more holds the configuration.
    const manager = (await this.#host.files.stat(`${program}/mgmtd`)) === undefined ? [] : ['mgmtd'];
    return {
      name: 'frr',
      unit: 'frr.service',
      // FRR's own keeper, which systemd's unit runs as well: it starts the daemons again one by one.
      argv: [`${program}/watchfrr`, ...manager, ...daemons],
      readyTimeoutMs: 30_000,
      ready: async () => (await this.sessions()) !== undefined,
    };
  }

  /** Sessions with other nodes; undefined: BGP does not answer. */
  sessions(): Promise<Session[] | undefined> {
    return this.#asked('show bgp l2vpn evpn summary json', readSessions);
  }

  /** Addresses that BFD sees at the other end, nodes and routers; undefined: it does not answer. */
  watched(): Promise<ReadonlySet<string> | undefined> {
    return this.#asked('show bfd peers json', readWatched, 'bfdd');
  }

  /** Sessions with routers of the site, and whoever else IP routes are exchanged with; undefined: BGP does not answer. */
  routerSessions(): Promise<RouterSession[] | undefined> {
    return this.#asked('show bgp summary json', readRouterSessions);
  }

  /** Which address of a network is at which card; undefined: FRR does not answer, or not yet of that network. */
  neighbours(vni: string): Promise<Neighbour[] | undefined> {
    return this.#asked(`show evpn arp-cache vni ${vni} json`, readNeighbours, 'zebra');
  }

  async #asked<T>(question: string, read: (stdout: string) => T, daemon = 'bgpd'): Promise<T | undefined> {
    try {
      const shown = await this.#host.processes.exec(['vtysh', '-d', daemon, '-c', question], { timeoutMs: askMs });
      return shown.code === 0 ? read(shown.stdout) : undefined;
    } catch {
      // Not installed, hanging, or cut off in the middle of its answer: it does not answer.
      return undefined;
    }
  }

  /**
   * Makes FRR what its file says, without touching sessions that stay.
   * @param named the neighbours in that file
   * @param passwords commands that set the passwords of routers
   * @throws Error with what FRR says
   */
  async reload(conf: string, named: readonly string[], passwords: readonly string[]): Promise<void> {
    const { processes, clock, files } = this.#host;
    // FRR refuses to name a neighbour that has come by itself: a coordinator that was quicker than its document.
    const strangers = ((await this.sessions()) ?? []).filter(
      ({ address, dynamic }) => dynamic && named.includes(address),
    );
    for (const { address } of strangers)
      await processes.exec(['vtysh', '-d', 'bgpd', '-c', `clear bgp ${address}`], { timeoutMs: askMs });
    if (strangers.length > 0) await clock.sleep(cutMs, this.#runtime.signal);
    const bin = binDirectory(this.#runtime.directories.state);
    await files.makeDirectory(bin, 0o755);
    if ((await files.readText(`${bin}/vtysh`)) !== vtyshScript)
      await files.writeAtomic(`${bin}/vtysh`, vtyshScript, 0o755);
    const done = await processes.exec([`${program}/frr-reload.py`, '--reload', '--bindir', bin, confPath], {
      timeoutMs: reloadMs,
    });
    if (done.code !== 0)
      throw new Error(`frr-reload.py: ${(done.stderr.trim() || done.stdout.trim()).split('\n').slice(-3).join('; ')}`);
    await this.#setPasswords(passwords);
    await files.writeAtomic(this.#loadedPath, conf, 0o600);
  }

  /** By a file of root's: argv is public. @throws Error without what vtysh says: it says the line again */
  async #setPasswords(commands: readonly string[]): Promise<void> {
    if (commands.length === 0) return;
    const { files, processes } = this.#host;
    const path = `${this.#runtime.directories.run}/frr-passwords`;
    await files.writeAtomic(path, `${commands.join('\n')}\n`, 0o600);
    try {
      const { code } = await processes.exec(['vtysh', '-d', 'bgpd', '-f', path], { timeoutMs: askMs });
      if (code !== 0) throw new Error(`vtysh does not take the passwords of routers (exit ${code})`);
    } finally {
      await files.remove(path);
    }
  }
}
