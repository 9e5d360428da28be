/** One dnsmasq of this node: its files, and the process that has read them. @module */
import { type Runtime, type ServiceDefinition, Turns } from '../../../core/plugin/api.ts';
import { dhcpError } from '../settings/dhcp-kind.ts';

/** What one dnsmasq is told, as text. */
export interface DnsmasqFiles {
  /** Read when it starts. */
  readonly conf: string;
  /** Read when it starts, and again whenever it is told to (SIGHUP). */
  readonly reread: string;
  /** Its lease script; it is started anew for each use. */
  readonly script?: string;
}

export interface DnsmasqPlace {
  /** Of its directory, and with `dnsmasq-` before it of its service. */
  readonly name: string;
  /** How the file is called that is read again. */
  readonly rereadFile: string;
  /** Whether it is this node's to serve. Asked at the last moment. */
  readonly ours: () => boolean;
  /** Before each start. */
  readonly prepare: () => Promise<void>;
}

/** The first line of each file. */
export const mark = '# Written by pvc: changes are overwritten.';

const confFile = 'dnsmasq.conf';
export const scriptFile = 'lease-script';
export const pidFile = 'pid';

const program = '/usr/sbin/dnsmasq';
/** Many may start at the same time. */
const readyMs = 60_000;

/** Where the files of one dnsmasq are, or those of all. */
export const directoryOf = ({ directories }: Pick<Runtime, 'directories'>, name?: string): string =>
  [directories.run, 'dnsmasq', ...(name === undefined ? [] : [name])].join('/');

/** Each act waits for the one before, so that nothing that was just ended is started by somebody who looked before. */
export class Dnsmasq {
  readonly #runtime: Runtime;
  readonly #place: DnsmasqPlace;
  readonly directory: string;
  #service: ReturnType<Runtime['supervise']> | undefined;
  readonly #turns = new Turns();

  constructor(runtime: Runtime, place: DnsmasqPlace) {
    this.#runtime = runtime;
    this.#place = place;
    this.directory = directoryOf(runtime, place.name);
  }

  /** Whether it is looked after. */
  get serving(): boolean {
    return this.#service !== undefined;
  }

  /** Undefined: not all of it is there. */
  async written(): Promise<DnsmasqFiles | undefined> {
    const { rereadFile } = this.#place;
    const [conf, reread, script] = await Promise.all(
      [confFile, rereadFile, scriptFile].map((name) => this.#read(name)),
    );
    if (conf === undefined || reread === undefined) return undefined;
    return { conf, reread, ...(script === undefined ? {} : { script }) };
  }

  /** What it has surely read. */
  async loaded(): Promise<Pick<DnsmasqFiles, 'conf' | 'reread'> | undefined> {
    const [conf, reread] = await Promise.all(
      [confFile, this.#place.rereadFile].map((name) => this.#read(loaded(name))),
    );
    return conf === undefined || reread === undefined ? undefined : { conf, reread };
  }

  #read(name: string): Promise<string | undefined> {
    return this.#runtime.host.files.readText(`${this.directory}/${name}`);
  }

  /** @throws PvcError DNSMASQ_MISSING */
  write({ conf, reread, script }: DnsmasqFiles): Promise<void> {
    return this.#turns.take(async () => {
      const { files } = this.#runtime.host;
      if ((await files.stat(program)) === undefined) throw dhcpError('DNSMASQ_MISSING', { node: this.#runtime.node });
      const { directory } = this;
      const { rereadFile } = this.#place;
      // It reads files again when it has given up root.
      for (const path of [this.#runtime.directories.run, directoryOf(this.#runtime), directory])
        await this.#passable(path);
      if (script !== undefined) await files.writeAtomic(`${directory}/${scriptFile}`, script, 0o755);
      await files.writeAtomic(`${directory}/${rereadFile}`, reread, 0o644);
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
  serve(files: DnsmasqFiles): Promise<void> {
    return this.#turns.take(async () => {
      if (!this.#place.ours() || this.#service !== undefined) return;
      const has = await this.loaded();
      if (has?.conf !== files.conf || has.reread !== files.reread) {
        await this.#runtime.supervise(this.#definition()).end();
        await this.#noteLoaded(files);
      }
      this.#service = this.#runtime.supervise(this.#definition());
    });
  }

  /** Has it start with what is written, if it runs. */
  restart(files: DnsmasqFiles): Promise<void> {
    return this.#turns.take(async () => {
      await this.#service?.restart();
      await this.#noteLoaded(files);
    });
  }

  /** Has it read again what it reads again. */
  reload(files: DnsmasqFiles): Promise<void> {
    return this.#turns.take(async () => {
      const pid = this.#service?.status().pid;
      // One that does not run reads them when it starts.
      if (pid !== undefined) this.#runtime.host.processes.kill(pid, 'SIGHUP');
      await this.#noteLoaded(files);
    });
  }

  async #noteLoaded({ conf, reread }: DnsmasqFiles): Promise<void> {
    const { files } = this.#runtime.host;
    const { rereadFile } = this.#place;
    await files.writeAtomic(`${this.directory}/${loaded(rereadFile)}`, reread, 0o600);
    await files.writeAtomic(`${this.directory}/${loaded(confFile)}`, conf, 0o600);
  }

  /** Ends it, also one that an earlier life of this daemon left running, and takes its files away. @throws Error */
  end(): Promise<void> {
    return this.#turns.take(async () => {
      const service = this.#service ?? this.#runtime.supervise(this.#definition());
      this.#service = service;
      await service.end();
      this.#service = undefined;
      await this.#runtime.host.files.remove(this.directory);
    });
  }

  #definition(): ServiceDefinition {
    const { name, prepare } = this.#place;
    return {
      name: `dnsmasq-${name}`,
      unit: `pvc-dnsmasq@${name}.service`,
      argv: [program, '--keep-in-foreground', `--conf-file=${this.directory}/${confFile}`],
      readyTimeoutMs: readyMs,
      prepare,
      // Written once it serves.
      ready: async () => {
        const pid = Number((await this.#read(pidFile)) ?? Number.NaN);
        return Number.isInteger(pid) && (await this.#runtime.host.processes.alive(pid));
      },
    };
  }
}

const loaded = (name: string): string => (name === confFile ? 'loaded.conf' : `loaded.${name}`);
