/** Opens the store that the configuration names. @module */
import type { Config } from '../config/schema.ts';
import type { Host } from '../host/host.ts';
import { type Store, storeError } from '../store/store.ts';
import { type EnsembleServer, readMembership, readSecret } from './membership.ts';

/** Where the embedded store's file is. */
export const sqlitePath = (config: Pick<Config, 'store' | 'directories'>): string =>
  config.store.path ?? `${config.directories.state}/store.sqlite`;

/** @param owner who opens it: `daemon`, or the client's own name. */
export async function openStore(
  host: Host,
  config: Pick<Config, 'store' | 'directories'>,
  owner: string,
): Promise<Store> {
  const known = config.store.backend === 'auto' ? await readMembership(host, config.directories.state) : undefined;
  if (known?.backend === 'zookeeper') {
    const secret = await readSecret(host, config.directories.state);
    if (secret === undefined)
      throw storeError('STORE_UNAVAILABLE', {
        reason: `the cluster's secret is missing below ${config.directories.state}`,
      });
    return openEnsemble(host, known.servers, secret, owner);
  }
  // Loaded here and not above: the command line needs no database to talk to a daemon.
  const { openSqliteStore } = await import('../store/sqlite.ts');
  // Only a command line that works without the daemon writes from outside; four looks a second cost nothing.
  return openSqliteStore(host, { path: sqlitePath(config), owner, pollMs: 250 });
}

/** Opens the state in ZooKeeper. A name that begins with `daemon-` is a daemon's: one session, an exact lease. */
export async function openEnsemble(
  host: Host,
  servers: readonly Pick<EnsembleServer, 'address' | 'clientPort'>[],
  secret: string,
  owner: string,
): Promise<Store> {
  const { openZooKeeperStore } = await import('../store/zookeeper/store.ts');
  return openZooKeeperStore(host, {
    servers: servers.map(({ address, clientPort }) => ({ host: address, port: clientPort })),
    secret,
    owner,
    exclusive: owner.startsWith('daemon-'),
  });
}
