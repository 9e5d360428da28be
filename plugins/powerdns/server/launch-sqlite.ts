/** Where PowerDNS keeps its zones by default: an SQLite database of its own on each coordinator. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import type { Database, DatabaseLook } from './database.ts';
import { pdnsUser } from './pdns-conf.ts';

const database = '/var/lib/powerdns/pvc.sqlite3';
/** One that is being made. */
const fresh = `${database}.new`;
const schema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';
const sqlite = '/usr/bin/sqlite3';
const timeoutMs = 20_000;
/** Keys of zones are in it. */
const ownMode = 0o600;
const othersMode = 0o077;

export const sqliteLaunch: readonly string[] = [
  'launch=gsqlite3',
  `gsqlite3-database=${database}`,
  'gsqlite3-dnssec=yes',
];

type LaunchHost = Pick<Host, 'files' | 'processes'>;

export class SqliteDatabase implements Database {
  readonly launch: readonly string[] = sqliteLaunch;
  readonly packages: readonly string[] = ['pdns-backend-sqlite3', 'sqlite3'];
  readonly #host: LaunchHost;
  /** What was looked through, and found sound. */
  #sound: string | undefined;

  constructor(host: LaunchHost) {
    this.#host = host;
  }

  async installed(): Promise<boolean> {
    const found = await Promise.all([schema, sqlite].map((path) => this.#host.files.stat(path)));
    return found.every((stat) => stat !== undefined);
  }

  async look(): Promise<DatabaseLook> {
    const stat = await this.#host.files.stat(database);
    if (stat === undefined) return { state: 'absent', mark: undefined };
    const mark = String(stat.inode);
    // An older PVC made it so, before there were keys in it.
    if ((stat.mode & othersMode) !== 0) return { state: 'damaged', mark };
    const seen = `${mark} ${stat.size} ${stat.mtimeMs}`;
    if (seen === this.#sound) return { state: 'sound', mark };
    const sound = await this.#isSound();
    if (sound) this.#sound = seen;
    return { state: sound ? 'sound' : 'damaged', mark };
  }

  /** A database that is busy for so long is not damaged: that is for whoever uses it to say. */
  async #isSound(): Promise<boolean> {
    const asked = await this.#sqlite(
      ['-readonly', database],
      '.timeout 5000\npragma quick_check;\nselect count(*) from domains;\n',
    );
    return asked.code === 0 ? /^ok$/m.test(asked.stdout) : /locked|busy/i.test(asked.stderr);
  }

  /** Makes it anew, empty; what was there is gone. @throws PvcError PDNS_REFUSED, FILE_FAILED */
  async make(): Promise<void> {
    const { files } = this.#host;
    const text = await files.readText(schema);
    await files.remove(fresh);
    const made = await this.#sqlite(['-bail', fresh], text ?? '');
    if (made.code !== 0 || text === undefined)
      throw pdnsError('PDNS_REFUSED', { what: 'its database', reason: made.stderr.trim() || `${schema} is missing` });
    await files.setAccess(fresh, ownMode);
    await this.#removeOld();
    await files.rename(fresh, database);
  }

  /** Whether there is anything of it, sound or not. */
  async exists(): Promise<boolean> {
    return (await this.#host.files.stat(database)) !== undefined;
  }

  /** Takes all of it away. */
  async remove(): Promise<void> {
    await this.#host.files.remove(fresh);
    await this.#removeOld();
  }

  async #removeOld(): Promise<void> {
    for (const end of ['', '-journal', '-wal', '-shm']) await this.#host.files.remove(`${database}${end}`);
  }

  /** As PowerDNS itself: what SQLite writes must be PowerDNS's. */
  #sqlite(args: readonly string[], input: string) {
    const as = ['setpriv', `--reuid=${pdnsUser}`, `--regid=${pdnsUser}`, '--clear-groups'] as const;
    return this.#host.processes.exec([...as, sqlite, ...args], { timeoutMs, input });
  }
}
