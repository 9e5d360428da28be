/**
 * The dnsmasq of each network on this node. The controller keeps them running while this node is primary; each network's
 * turn comes one after the other, so that nothing that was just ended is started by somebody who looked before.
 * @module
 */
import { errorText, type Runtime, type ServiceDefinition } from '../../../core/plugin/api.ts';
import { leaseFile } from '../lease/lease-file.ts';
import type { LeaseSpool } from '../lease/lease-spool.ts';
import { leasesOf } from '../lease/leases.ts';
import { dhcp, dhcpError } from '../settings/dhcp-kind.ts';
import { confFile, hostsFile, pidFile, scriptFile } from './conf.ts';
import { leasesFile } from './lease-script.ts';
import type { ServerFiles } from './server-plan.ts';

const program = '/usr/sbin/dnsmasq';
/** Many may start at the same time. */
const readyMs = 60_000;
/** What was told and is not noted by then is noted later, by whoever can. */
const lastNotesMs = 1_000;
/** What dnsmasq has surely read. */
const loadedConf = 'loaded.conf';
const loadedHosts = 'loaded.hosts';

export class Servers {
  readonly #runtime: Runtime;
  readonly #spool: LeaseSpool;
  readonly #services = new Map<string, ReturnType<Runtime['supervise']>>();
  readonly #turns = new Map<string, Promise<unknown>>();
  #duty = false;

  constructor(runtime: Runtime, spool: LeaseSpool) {
    this.#runtime = runtime;
    this.#spool = spool;
  }

  /** Whether it is this node that serves. */
  get duty(): boolean {
    return this.#duty;
  }

  /** Where scripts put what happens to leases. */
  get reported(): string {
    return this.#spool.reported;
  }

  /** From now on networks may be served. */
  take(): void {
    this.#duty = true;
  }

  /** Ends all of them, and has the next primary know what they have given. @throws AggregateError of those that do not end */
  async leave(): Promise<void> {
    this.#duty = false;
    const serving = this.#services.size > 0;
    const ended = await Promise.allSettled([...this.#services.keys()].map((vni) => this.end(vni)));
    const failed = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    if (failed.length > 0) throw new AggregateError(failed, `${failed.length} dnsmasq did not end`);
    if (serving) await this.#lastNotes();
  }

  async #lastNotes(): Promise<void> {
    const { clock, log } = this.#runtime.host;
    const noted = new AbortController();
    try {
      await Promise.race([
        this.#spool.note(),
        clock.sleep(lastNotesMs, noted.signal).then(() => Promise.reject(new Error('the store takes its time'))),
      ]);
    } catch (error) {
      log.warn('the last leases are noted later', { reason: errorText(error) });
    } finally {
      noted.abort();
    }
  }

  directory(vni?: string): string {
    return [this.#runtime.directories.run, 'dnsmasq', ...(vni === undefined ? [] : [vni])].join('/');
  }

  /** Numbers of the networks of which something is here. */
  async present(): Promise<string[]> {
    return [...new Set([...this.#services.keys(), ...((await this.#runtime.host.files.list(this.directory())) ?? [])])];
  }

  serving(vni: string): boolean {
    return this.#services.has(vni);
  }

  /** Undefined: not all of them are there. */
  async written(vni: string): Promise<ServerFiles | undefined> {
    const [conf, hosts, script] = await this.#read(vni, [confFile, hostsFile, scriptFile]);
    return conf === undefined || hosts === undefined || script === undefined ? undefined : { conf, hosts, script };
  }

  async loaded(vni: string): Promise<Pick<ServerFiles, 'conf' | 'hosts'> | undefined> {
    const [conf, hosts] = await this.#read(vni, [loadedConf, loadedHosts]);
    return conf === undefined || hosts === undefined ? undefined : { conf, hosts };
  }

  #read(vni: string, names: readonly string[]): Promise<(string | undefined)[]> {
    return Promise.all(names.map((name) => this.#runtime.host.files.readText(`${this.directory(vni)}/${name}`)));
  }

  /** @throws PvcError DNSMASQ_MISSING */
  write(vni: string, { conf, hosts, script }: ServerFiles): Promise<void> {
    return this.#inTurn(vni, async () => {
      const { files } = this.#runtime.host;
      if ((await files.stat(program)) === undefined) throw dhcpError('DNSMASQ_MISSING', { node: this.#runtime.node });
      await this.#spool.open();
      const directory = this.directory(vni);
      // It reads its reservations again when it has given up root.
      for (const path of [this.#runtime.directories.run, this.directory(), directory]) await this.#passable(path);
      await files.writeAtomic(`${directory}/${scriptFile}`, script, 0o755);
      await files.writeAtomic(`${directory}/${hostsFile}`, hosts, 0o644);
      await files.writeAtomic(`${directory}/${confFile}`, conf, 0o644);
    });
  }

  /** Others may go through it, and see nothing of it. */
  async #passable(path: string): Promise<void> {
    const { files } = this.#runtime.host;
    await files.makeDirectory(path, 0o711);
    const { mode } = (await files.stat(path)) ?? { mode: 0 };
    if ((mode & 0o001) === 0) await files.setAccess(path, (mode & 0o777) | 0o001);
  }

  /**
   * Has it running from now on, unless it is somebody else's to serve by now. One that an earlier life of this daemon left
   * running goes on when it has read the same files.
   */
  serve(vni: string, files: ServerFiles): Promise<void> {
    return this.#inTurn(vni, async () => {
      if (!this.#duty || this.#services.has(vni)) return;
      const loaded = await this.loaded(vni);
      if (loaded?.conf !== files.conf || loaded.hosts !== files.hosts) {
        await this.#runtime.supervise(this.#definition(vni)).end();
        await this.#noteLoaded(vni, files);
      }
      this.#services.set(vni, this.#runtime.supervise(this.#definition(vni)));
    });
  }

  /** Has it start with what is written, if it runs. */
  restart(vni: string, files: ServerFiles): Promise<void> {
    return this.#inTurn(vni, async () => {
      await this.#services.get(vni)?.restart();
      await this.#noteLoaded(vni, files);
    });
  }

  /** Has it read its reservations again. */
  reload(vni: string, files: ServerFiles): Promise<void> {
    return this.#inTurn(vni, async () => {
      const pid = this.#services.get(vni)?.status().pid;
      // One that does not run reads them when it starts.
      if (pid !== undefined) this.#runtime.host.processes.kill(pid, 'SIGHUP');
      await this.#noteLoaded(vni, files);
    });
  }

  async #noteLoaded(vni: string, { conf, hosts }: ServerFiles): Promise<void> {
    const { files } = this.#runtime.host;
    await files.writeAtomic(`${this.directory(vni)}/${loadedHosts}`, hosts, 0o600);
    await files.writeAtomic(`${this.directory(vni)}/${loadedConf}`, conf, 0o600);
  }

  /** Ends it, also one that an earlier life of this daemon left running, and takes its files away. @throws Error */
  end(vni: string): Promise<void> {
    return this.#inTurn(vni, async () => {
      const service = this.#services.get(vni) ?? this.#runtime.supervise(this.#definition(vni));
      this.#services.set(vni, service);
      await service.end();
      this.#services.delete(vni);
      await this.#runtime.host.files.remove(this.directory(vni));
    });
  }

  #definition(vni: string): ServiceDefinition {
    const directory = this.directory(vni);
    return {
      name: `dnsmasq-${vni}`,
      unit: `pvc-dnsmasq@${vni}.service`,
      argv: [program, '--keep-in-foreground', `--conf-file=${directory}/${confFile}`],
      readyTimeoutMs: readyMs,
      prepare: () => this.#writeLeases(vni),
      // Written once it serves.
      ready: async () => {
        const pid = Number((await this.#runtime.host.files.readText(`${directory}/${pidFile}`)) ?? Number.NaN);
        return Number.isInteger(pid) && (await this.#runtime.host.processes.alive(pid));
      },
    };
  }

  /** What dnsmasq begins with: all that the store holds, once it holds all that was told here. */
  async #writeLeases(vni: string): Promise<void> {
    const { documents, host } = this.#runtime;
    await this.#spool.note();
    const settings = await documents.get(dhcp, vni);
    const leases = settings === undefined ? [] : await leasesOf(documents, vni, settings.spec.instance);
    await host.files.writeAtomic(`${this.directory(vni)}/${leasesFile}`, leaseFile(vni, leases), 0o600);
  }

  #inTurn<T>(vni: string, act: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(vni) ?? Promise.resolve()).then(act, act);
    this.#turns.set(
      vni,
      turn.catch(() => undefined),
    );
    return turn;
  }
}
