/**
 * Where PowerDNS keeps its zones: an SQLite database of its own on each coordinator. The one file that knows of it; another
 * back end is another file with the same exports.
 * @module
 */
import type { Host } from '../../../core/plugin/api.ts';
import { pdnsError } from '../record/record-kind.ts';
import { pdnsUser } from './pdns-conf.ts';

const database = '/var/lib/powerdns/pvc.sqlite3';
/** One that is being made. */
const fresh = `${database}.new`;
const schema = '/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql';
const sqlite = '/usr/bin/sqlite3';
const timeoutMs = 20_000;

/** The lines of PowerDNS's configuration. */
export const launchLines: readonly string[] = ['launch=gsqlite3', `gsqlite3-database=${database}`];

export const launchPackages = 'pdns-backend-sqlite3 and sqlite3';

export interface DatabaseLook {
  readonly state: 'absent' | 'damaged' | 'sound';
  /** Differs for each database that there has been; undefined: there is none. */
  readonly mark: string | undefined;
}

type LaunchHost = Pick<Host, 'files' | 'processes'>;

export class Database {
  readonly #host: LaunchHost;
  /** What was looked through, and found sound. */
  #sound: string | undefined;

  constructor(host: LaunchHost) {
    this.#host = host;
  }

  /** Whether its packages are there. */
  async installed(): Promise<boolean> {
    const found = await Promise.all([schema, sqlite].map((path) => this.#host.files.stat(path)));
    return found.every((stat) => stat !== undefined);
  }

  async look(): Promise<DatabaseLook> {
    const stat = await this.#host.files.stat(database);
    if (stat === undefined) return { state: 'absent', mark: undefined };
    const mark = String(stat.inode);
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

  /** Makes it anew, empty; what was there is gone. @throws PvcError PDNS_REFUSED */
  async make(): Promise<void> {
    const { files } = this.#host;
    const text = await files.readText(schema);
    await files.remove(fresh);
    const made = await this.#sqlite(['-bail', fresh], text ?? '');
    if (made.code !== 0 || text === undefined)
      throw pdnsError('PDNS_REFUSED', { what: 'its database', reason: made.stderr.trim() || `${schema} is missing` });
    await this.#removeOld();
    await files.rename(fresh, database);
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
