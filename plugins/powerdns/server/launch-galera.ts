/** The other place where PowerDNS keeps its zones: MariaDB with Galera, one for all coordinators. @module */
import type { Host } from '../../../core/plugin/api.ts';
import { socketPath } from '../galera/galera-conf.ts';
import type { Mariadb } from '../galera/mariadb.ts';
import { databaseName } from '../galera/server-answer.ts';
import type { Database, DatabaseLook } from './database.ts';
import { pdnsUser } from './pdns-conf.ts';

const module = '/usr/lib/x86_64-linux-gnu/pdns/libgmysqlbackend.so';

export const galeraLaunch: readonly string[] = [
  'launch=gmysql',
  `gmysql-socket=${socketPath}`,
  `gmysql-dbname=${databaseName}`,
  // MariaDB knows it by its user on this machine.
  `gmysql-user=${pdnsUser}`,
  'gmysql-timeout=5',
  'gmysql-dnssec=yes',
  // Another coordinator puts keys there, of which this one's PowerDNS is not told.
  'dnssec-key-cache-ttl=0',
];

export class GaleraDatabase implements Database {
  readonly launch: readonly string[] = galeraLaunch;
  readonly packages: readonly string[] = ['pdns-backend-mysql'];
  readonly #host: Pick<Host, 'files'>;
  readonly #mariadb: Pick<Mariadb, 'answer'>;

  constructor(host: Pick<Host, 'files'>, mariadb: Pick<Mariadb, 'answer'>) {
    this.#host = host;
    this.#mariadb = mariadb;
  }

  async installed(): Promise<boolean> {
    return (await this.#host.files.stat(module)) !== undefined;
  }

  /** One that answers, with its tables; the keeper of MariaDB sees to it when it does not. */
  async look(): Promise<DatabaseLook> {
    return (await this.#mariadb.answer())?.tables === true
      ? // PowerDNS finds the way back to it by itself.
        { state: 'sound', mark: socketPath }
      : { state: 'away', mark: undefined };
  }
}
