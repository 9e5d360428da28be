/** MariaDB with Galera on this node: its files, its start, its end. @module */
import { type Host, type Runtime, type ServiceDefinition } from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import type { Position } from './backend-kind.ts';
import { dataDirectory, galeraConfPath, groupPort, mariadbUser, runDirectory, socketPath } from './galera-conf.ts';
import { grastate, positionIn, recoveredIn } from './grastate.ts';
import { readAnswer, type ServerAnswer, statusQuery } from './server-answer.ts';
import { tablesSql } from './tables.ts';

const program = '/usr/sbin/mariadbd';
const client = '/usr/bin/mariadb';
/** All that must be installed: the server, Galera, the copying of a database, PowerDNS's schema. */
const needed = [
  ...[program, client, '/usr/lib/galera/libgalera_smm.so', '/usr/bin/wsrep_sst_rsync', '/usr/bin/rsync'],
  '/usr/share/pdns-backend-mysql/schema/schema.mysql.sql',
];
export const mysqlSchema = '/usr/share/pdns-backend-mysql/schema/schema.mysql.sql';
export const galeraPackages = 'mariadb-server, galera-4, rsync, pdns-backend-mysql';

const unit = 'pvc-galera.service';
const unitPath = `/etc/systemd/system/${unit}`;
const argv = [program, `--defaults-file=${galeraConfPath}`] as const;
const grastatePath = `${dataDirectory}/grastate.dat`;
/** Data that are being made. */
const fresh = `${dataDirectory}.new`;
const commandMs = 10_000;
const makeMs = 90_000;
const askMs = 4_000;
const connectMs = 2_000;
/** Who writes out what it has is done by then. */
const patienceMs = 15_000;
/** Who does not answer, but waits for others, does not listen to SIGTERM either. */
const deafMs = 2_000;

export class Mariadb {
  readonly #runtime: Runtime;
  readonly #host: Host;
  #service: ReturnType<Runtime['supervise']> | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#host = runtime.host;
  }

  get serving(): boolean {
    return this.#service !== undefined;
  }

  conf(): Promise<string | undefined> {
    return this.#host.files.readText(galeraConfPath);
  }

  /** @throws PvcError MARIADB_MISSING */
  async needInstalled(): Promise<void> {
    const found = await Promise.all(needed.map((path) => this.#host.files.stat(path)));
    const missing = needed.filter((_path, index) => found[index] === undefined);
    if (missing.length > 0)
      throw pdnsError('MARIADB_MISSING', {
        node: this.#runtime.node,
        path: missing.join(', '),
        packages: galeraPackages,
      });
  }

  /** Whether there are data, and how far they go; no position: it runs, or has crashed. */
  async data(): Promise<{ readonly there: boolean; readonly position: Position | undefined }> {
    const { files } = this.#host;
    const there = ((await files.list(dataDirectory)) ?? []).length > 0;
    return { there, position: positionIn((await files.readText(grastatePath)) ?? '') };
  }

  /** What the server says of itself; undefined: nobody answers, or nothing of use. Never throws. */
  async answer(): Promise<ServerAnswer | undefined> {
    if ((await this.#host.files.stat(socketPath)) === undefined) return undefined;
    try {
      const asked = await this.#sql(statusQuery, askMs);
      return asked.code === 0 ? readAnswer(asked.stdout.trim()) : undefined;
    } catch {
      // It hangs, or is on its way up or down: for the controller that is all the same, no answer.
      return undefined;
    }
  }

  async writeConf(text: string): Promise<void> {
    await this.#host.files.makeDirectory('/etc/mysql', 0o755);
    await this.#host.files.writeAtomic(galeraConfPath, text, 0o644);
  }

  /** Starts it with the configuration that is there, unless it runs, and keeps it running. */
  async serve(): Promise<void> {
    await this.#directory(dataDirectory, '0700');
    await this.#directory(runDirectory, '0755');
    await this.#writeUnit();
    this.#service ??= this.#runtime.supervise(this.#definition());
  }

  /**
   * Ends it, and has its data say how far they go: after a crash that is found in the data themselves. Data that do not
   * even tell that are thrown away: all of it is in the cluster's state.
   */
  async stop(): Promise<void> {
    await this.#end();
    const { there, position } = await this.data();
    if (!there || position !== undefined) return;
    const found = await this.#host.processes.exec([...argv, '--wsrep-recover'], { timeoutMs: makeMs });
    const recovered = recoveredIn(found.stderr);
    if (recovered === undefined) {
      this.#host.log.warn('the data of MariaDB are of no use and are thrown away', { code: found.code });
      await this.wipe();
    } else await this.#writeGrastate(recovered, false);
  }

  /** Throws all data away; it must have ended. */
  async wipe(): Promise<void> {
    await this.#host.files.remove(fresh);
    await this.#host.files.remove(dataDirectory);
  }

  /** Makes data with which a group can begin: those that are there, or empty ones. It must have ended. */
  async prepareToBegin(): Promise<void> {
    const { files } = this.#host;
    const { there, position } = await this.data();
    if (there && position !== undefined) return this.#writeGrastate(position, true);
    await this.wipe();
    await this.#directory(fresh, '0700');
    await this.#run(
      [
        'mariadb-install-db',
        ...['--no-defaults', `--user=${mariadbUser}`, `--datadir=${fresh}`, '--skip-test-db', '--skip-name-resolve'],
        // root and PowerDNS are known by who they are on this machine: there is no password that could be seen.
        '--auth-root-authentication-method=socket',
      ],
      makeMs,
    );
    await files.rename(fresh, dataDirectory);
  }

  /** PowerDNS's tables and account, made anew. @throws PvcError MARIADB_REFUSED */
  async makeTables(): Promise<void> {
    const schema = (await this.#host.files.readText(mysqlSchema)) ?? '';
    const done = await this.#sql(tablesSql(schema), makeMs);
    if (done.code !== 0) throw pdnsError('MARIADB_REFUSED', { what: 'PowerDNS’s tables', reason: done.stderr.trim() });
  }

  /** Ends it, and takes away all that was made for it. */
  async remove(): Promise<void> {
    await this.#end();
    await this.wipe();
    await this.#host.files.remove(runDirectory);
    if ((await this.#host.files.stat(unitPath)) !== undefined) {
      await this.#host.files.remove(unitPath);
      await this.#run(['systemctl', 'daemon-reload'], commandMs);
    }
    // Its configuration last: as long as that is there, this is done again.
    await this.#host.files.remove(galeraConfPath);
  }

  async #end(): Promise<void> {
    const { clock, processes } = this.#host;
    const allowedMs = (await this.answer()) === undefined ? deafMs : patienceMs;
    // Ended in the same breath as it is taken in charge: else it would be started.
    const service = this.#service ?? this.#runtime.supervise(this.#definition());
    const ended = service.end();
    this.#service = undefined;
    const { pid } = service.status();
    const over = new AbortController();
    const late = clock.sleep(allowedMs, over.signal).then(
      // What it has is in the cluster's state, and in InnoDB's log.
      () => void (pid !== undefined && processes.kill(pid, 'SIGKILL')),
      () => undefined,
    );
    try {
      await ended;
    } finally {
      over.abort();
      await late;
    }
  }

  async #writeGrastate(at: Position, begins: boolean): Promise<void> {
    await this.#host.files.writeAtomic(grastatePath, grastate(at, begins), 0o660);
    await this.#run(['chown', `${mariadbUser}:${mariadbUser}`, grastatePath], commandMs);
  }

  #definition(): ServiceDefinition {
    return {
      name: 'galera',
      unit,
      argv,
      readyTimeoutMs: 60_000,
      // One that only lacks its peers is up, too: to start it again would not help.
      ready: async () => (await this.answer()) !== undefined || (await this.#listens()),
    };
  }

  async #listens(): Promise<boolean> {
    const address = /^wsrep-node-address=\[?([0-9a-f.:]+)\]?$/m.exec((await this.conf()) ?? '')?.[1];
    if (address === undefined) return false;
    try {
      (await this.#host.net.connect({ host: address, port: groupPort }, connectMs)).destroy();
      return true;
    } catch {
      // Nobody there: that is the answer.
      return false;
    }
  }

  /** Only where systemd runs: Debian's own unit waits until the server has found the others, and would hold up PVC. */
  async #writeUnit(): Promise<void> {
    const { files } = this.#host;
    if ((await files.stat('/run/systemd/system')) === undefined || (await files.readText(unitPath)) === unitText)
      return;
    await files.writeAtomic(unitPath, unitText, 0o644);
    await this.#run(['systemctl', 'daemon-reload'], commandMs);
  }

  /** As root, whom MariaDB knows by the socket. */
  #sql(input: string, timeoutMs: number) {
    return this.#host.processes.exec(
      [
        ...([client, '--no-defaults', `--socket=${socketPath}`, '--user=root'] as const),
        ...['--batch', '--skip-column-names', `--connect-timeout=${connectMs / 1000}`],
      ],
      { timeoutMs, input },
    );
  }

  async #directory(path: string, mode: string): Promise<void> {
    await this.#run(['install', '-d', '-o', mariadbUser, '-g', mariadbUser, '-m', mode, path], commandMs);
  }

  /** @throws PvcError MARIADB_REFUSED */
  async #run(command: readonly [string, ...string[]], timeoutMs: number): Promise<void> {
    const done = await this.#host.processes.exec(command, { timeoutMs });
    if (done.code !== 0)
      throw pdnsError('MARIADB_REFUSED', { what: command.join(' '), reason: done.stderr.trim() || done.stdout.trim() });
  }
}

const unitText = [
  '# Written by pvc: the daemon starts this server and looks after it.',
  '[Unit]',
  'Description=MariaDB with Galera of the PVC cluster, for PowerDNS',
  'After=network.target',
  '',
  '[Service]',
  `ExecStart=${argv.join(' ')}`,
  `TimeoutStopSec=${patienceMs / 1000}`,
  'LimitNOFILE=65536',
  '',
].join('\n');
