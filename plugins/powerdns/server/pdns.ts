/** PowerDNS on this node: its files, its start, its end. @module */
import { createHash } from 'node:crypto';
import { type Host, type Runtime, type ServiceDefinition } from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import type { PdnsApi } from './api.ts';
import { Database, type DatabaseLook, launchPackages } from './launch-sqlite.ts';
import {
  confDirectory,
  confName,
  confPath,
  keyBytes,
  keyIn,
  localDns,
  pdnsUser,
  socketDirectory,
} from './pdns-conf.ts';

const program = '/usr/sbin/pdns_server';
/** A configuration that PowerDNS has not looked through yet. */
const draftName = `${confName}-draft`;
const draftPath = `${confDirectory}/pdns-${draftName}.conf`;
const commandMs = 10_000;
const connectMs = 2_000;

export class Pdns {
  readonly #runtime: Runtime;
  readonly #host: Host;
  readonly #api: PdnsApi;
  readonly #database: Database;
  #service: ReturnType<Runtime['supervise']> | undefined;

  constructor(runtime: Runtime, api: PdnsApi) {
    this.#runtime = runtime;
    this.#host = runtime.host;
    this.#api = api;
    this.#database = new Database(runtime.host);
  }

  /** Gone after a boot, as PowerDNS is. */
  get #loadedPath(): string {
    return `${this.#runtime.directories.run}/powerdns-loaded`;
  }

  get serving(): boolean {
    return this.#service !== undefined;
  }

  conf(): Promise<string | undefined> {
    return this.#host.files.readText(confPath);
  }

  look(): Promise<DatabaseLook> {
    return this.#database.look();
  }

  /** The key of the API that is in use, or a new one. */
  async key(): Promise<string> {
    return keyIn(await this.conf()) ?? Buffer.from(this.#host.random.bytes(keyBytes)).toString('hex');
  }

  /** Writes the configuration once PowerDNS itself finds nothing wrong with it. @throws PvcError PDNS_MISSING, PDNS_REFUSED */
  async writeConf(conf: string): Promise<void> {
    const { files, processes } = this.#host;
    if ((await files.stat(program)) === undefined || !(await this.#database.installed()))
      throw pdnsError('PDNS_MISSING', { node: this.#runtime.node, packages: launchPackages });
    try {
      await files.writeAtomic(draftPath, conf, 0o600);
      await this.#run(['chown', `${pdnsUser}:${pdnsUser}`, draftPath]);
      const checked = await processes.exec([program, `--config-name=${draftName}`, '--config=check'], {
        timeoutMs: commandMs,
      });
      if (checked.code !== 0)
        throw pdnsError('PDNS_REFUSED', {
          what: 'its configuration',
          reason: checked.stderr.trim().split('\n').at(-1) ?? '',
        });
      await files.rename(draftPath, confPath);
    } finally {
      await files.remove(draftPath);
    }
  }

  /** @throws PvcError PDNS_REFUSED */
  makeDatabase(): Promise<void> {
    return this.#database.make();
  }

  /** Whether the running PowerDNS has surely read this configuration, and opened this database. */
  async isLoaded(conf: string, database: string): Promise<boolean> {
    // The same text, or it is not sure: nothing is read out of it.
    return (await this.#host.files.readText(this.#loadedPath)) === loadedText(conf, database);
  }

  /** Has it running from now on, with the files that are there. */
  async start(): Promise<void> {
    const [conf, { mark }] = await Promise.all([this.conf(), this.look()]);
    if (conf === undefined || mark === undefined) throw new Error('its files are gone again');
    const loaded = await this.isLoaded(conf, mark);
    await this.#run(['install', '-d', '-o', pdnsUser, '-g', pdnsUser, '-m', '0755', socketDirectory]);
    this.#service ??= this.#runtime.supervise(this.#definition());
    if (loaded) return;
    // One that runs already has read other files.
    await this.#service.restart();
    await this.#host.files.writeAtomic(this.#loadedPath, loadedText(conf, mark), 0o600);
  }

  /** Ends it, and takes away what was made for it. */
  async end(): Promise<void> {
    const service = this.#service ?? this.#runtime.supervise(this.#definition());
    await service.end();
    this.#service = undefined;
    await this.#database.remove();
    // Its configuration last: as long as that is there, this is done again.
    for (const path of [this.#loadedPath, draftPath, confPath]) await this.#host.files.remove(path);
  }

  /** Whether it takes questions, and its API answers. Never throws. */
  async answers(): Promise<boolean> {
    try {
      (await this.#host.net.connect(localDns, connectMs)).destroy();
    } catch {
      // Nobody takes questions: that is the answer.
      return false;
    }
    return this.#api.answers();
  }

  #definition(): ServiceDefinition {
    return {
      name: 'powerdns',
      // Debian's own: the instance reads the file of its name, and runs as PowerDNS's user.
      unit: `pdns@${confName}.service`,
      argv: [
        program,
        ...[`--config-name=${confName}`, '--guardian=no', '--daemon=no', '--disable-syslog', '--log-timestamp=no'],
        ...['--write-pid=no', `--setuid=${pdnsUser}`, `--setgid=${pdnsUser}`],
      ],
      readyTimeoutMs: 30_000,
      ready: () => this.answers(),
    };
  }

  async #run(argv: readonly [string, ...string[]]): Promise<void> {
    const done = await this.#host.processes.exec(argv, { timeoutMs: commandMs });
    if (done.code !== 0) throw new Error(`${argv.join(' ')}: ${done.stderr.trim()}`);
  }
}

/** What PowerDNS was started with. The key is in the configuration, so only a digest of it is written down. */
const loadedText = (conf: string, database: string): string =>
  `${createHash('sha256').update(conf).digest('hex')} ${database}\n`;
