/** The configuration of MariaDB with Galera as text. Right for MariaDB 10.11 and Galera 4. Pure. @module */

/** Its own directory, configuration and socket: a MariaDB of an administrator's own stays as it is. */
export const galeraConfPath = '/etc/mysql/pvc-galera.cnf';
export const dataDirectory = '/var/lib/pvc-galera';
export const runDirectory = '/run/pvc-galera';
export const socketPath = `${runDirectory}/mariadb.sock`;
export const mariadbUser = 'mysql';
/** Where the members hear each other; the two others are for what one of them missed, and for a whole copy. */
export const groupPort = 4_567;
const missedPort = 4_568;
const copyPort = 4_444;

const provider = '/usr/lib/galera/libgalera_smm.so';
const confMark = '# Written by pvc: changes are overwritten.';
const namePrefix = 'pvc-dns-';

export interface GaleraConfInput {
  /** Which group: members of another one never join it. */
  readonly epoch: number;
  readonly node: string;
  /** Its address on the cluster network; it listens nowhere else. */
  readonly address: string;
  /** Of all coordinators; empty: it begins the group alone. */
  readonly members: readonly string[];
}

const withPort = (address: string, port: number): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const host = (address: string): string => (address.includes(':') ? `[${address}]` : address);

export function galeraConf({ epoch, node, address, members }: GaleraConfInput): string {
  const provided = [
    `gmcast.listen_addr=tcp://${withPort(address, groupPort)}`,
    `ist.recv_addr=${withPort(address, missedPort)}`,
    'gcache.size=16M',
    // Who begins is decided in the cluster's state, in one way, whatever was lost.
    'pc.recovery=false',
  ];
  const lines = [
    confMark,
    '[mariadbd]',
    `user=${mariadbUser}`,
    `datadir=${dataDirectory}`,
    `socket=${socketPath}`,
    `pid-file=${runDirectory}/mariadbd.pid`,
    // PowerDNS and PVC ask by the socket; nobody asks from another machine.
    'skip-networking',
    'skip-log-bin',
    'character-set-server=latin1',
    'default-storage-engine=InnoDB',
    'binlog-format=ROW',
    'innodb-autoinc-lock-mode=2',
    // What a power cut takes of the last second is in the cluster's state.
    'innodb-flush-log-at-trx-commit=2',
    'innodb-buffer-pool-size=32M',
    'innodb-log-file-size=32M',
    'performance-schema=OFF',
    'max-connections=64',
    'wsrep-on=ON',
    `wsrep-provider=${provider}`,
    `wsrep-provider-options="${provided.join(';')}"`,
    `wsrep-cluster-name=${namePrefix}${epoch}`,
    `wsrep-cluster-address=gcomm://${members.map((one) => withPort(one, groupPort)).join(',')}`,
    `wsrep-node-name=${node}`,
    `wsrep-node-address=${host(address)}`,
    'wsrep-sst-method=rsync',
    `wsrep-sst-receive-address=${withPort(address, copyPort)}`,
    // A member that lost the others goes on telling the names that it knows.
    'wsrep-dirty-reads=ON',
    'wsrep-retry-autocommit=4',
  ];
  return `${lines.join('\n')}\n`;
}

/** What a file that PVC wrote before says. */
export interface GaleraConfSeen {
  readonly epoch: number;
  /** Whether a server that is started with it begins a group of its own. */
  readonly begins: boolean;
}

/** Undefined: there is no file that PVC made. */
export function seenInConf(conf: string | undefined): GaleraConfSeen | undefined {
  if (conf === undefined || !conf.startsWith(confMark)) return undefined;
  const epoch = new RegExp(`^wsrep-cluster-name=${namePrefix}(\\d+)$`, 'm').exec(conf)?.[1];
  return epoch === undefined
    ? undefined
    : { epoch: Number(epoch), begins: /^wsrep-cluster-address=gcomm:\/\/$/m.test(conf) };
}
