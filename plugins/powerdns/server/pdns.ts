/** PowerDNS on this node: its files, its start, its end. @module */
import { createHash } from 'node:crypto';
import { type Host, type Runtime, type ServiceDefinition } from '../../../core/plugin/api.ts';
import type { BackendName } from '../galera/backend-kind.ts';
import { pdnsError } from '../record/record-kind.ts';
import type { PdnsApi } from './api.ts';
import type { Database, DatabaseLook } from './database.ts';
import type { SqliteDatabase } from './launch-sqlite.ts';
import {
  backendIn,
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
/** Who is busy answers sooner. */
const stuckMs = 15_000;

export interface Databases extends Readonly<Record<BackendName, Database>> {
  readonly sqlite: SqliteDatabase;
}

export class Pdns {
  readonly #runtime: Runtime;
  readonly #host: Host;
  readonly #api: PdnsApi;
  readonly #databases: Databases;
  #service: ReturnType<Runtime['supervise']> | undefined;
  /** Since when it runs and has told nothing of its zones. */
  #silentSinceMs: number | undefined;

  constructor(runtime: Runtime, api: PdnsApi, databases: Databases) {
    this.#runtime = runtime;
    this.#host = runtime.host;
    this.#api = api;
    this.#databases = databases;
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

  /** Where its configuration has the zones kept; undefined: there is none. */
  async backend(): Promise<BackendName | undefined> {
    return backendIn(await this.conf());
  }

  look(backend: BackendName): Promise<DatabaseLook> {
    return this.#databases[backend].look();
  }

  launch(backend: BackendName): readonly string[] {
    return this.#databases[backend].launch;
  }

  /** The key of the API that is in use, or a new one. */
  async key(): Promise<string> {
    return keyIn(await this.conf()) ?? Buffer.from(this.#host.random.bytes(keyBytes)).toString('hex');
  }

  /** Writes the configuration once PowerDNS itself finds nothing wrong with it. @throws PvcError PDNS_MISSING, PDNS_REFUSED */
  async writeConf(conf: string): Promise<void> {
    const { files, processes } = this.#host;
    const database = this.#databases[backendIn(conf) ?? 'sqlite'];
    if ((await files.stat(program)) === undefined || !(await database.installed()))
      throw pdnsError('PDNS_MISSING', { node: this.#runtime.node, packages: database.packages.join(' ') });
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

  /** Makes a database of its own anew. @throws PvcError PDNS_REFUSED */
  async makeDatabase(): Promise<void> {
    await this.#databases.sqlite.make();
    this.#silentSinceMs = undefined;
  }

  /** Whether a database of its own is left that it does not use. */
  async hasLeftover(): Promise<boolean> {
    return (await this.backend()) === 'galera' && (await this.#databases.sqlite.exists());
  }

  async removeLeftover(): Promise<void> {
    if ((await this.backend()) === 'galera') await this.#databases.sqlite.remove();
  }

  /** Ends it, so that it is started again with the files that it has. */
  async restart(): Promise<void> {
    await this.#service?.restart();
    this.#silentSinceMs = undefined;
  }

  /**
   * Whether it runs and has told nothing of its zones for so long that it will not any more: a database that was cut off
   * beneath it can hold it for ever, and hides from every other look. Never throws.
   */
  async isStuck(): Promise<boolean> {
    const { clock } = this.#host;
    const askedMs = clock.monotonicMs();
    if (this.#service?.status().state !== 'running') {
      this.#silentSinceMs = undefined;
      return false;
    }
    try {
      await this.#api.zones();
      this.#silentSinceMs = undefined;
      return false;
    } catch {
      // Its silence is the answer; the controller of zones tells the reason.
      this.#silentSinceMs ??= askedMs;
      return clock.monotonicMs() - this.#silentSinceMs >= stuckMs;
    }
  }

  /** Whether the running PowerDNS has surely read this configuration, and opened this database. */
  async isLoaded(conf: string, database: string): Promise<boolean> {
    // The same text, or it is not sure: nothing is read out of it.
    return (await this.#host.files.readText(this.#loadedPath)) === loadedText(conf, database);
  }

  /** Has it running from now on, with the files that are there. */
  async start(): Promise<void> {
    const conf = await this.conf();
    const backend = backendIn(conf);
    const mark = backend && (await this.look(backend)).mark;
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
    await this.#databases.sqlite.remove();
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
