/** Opens the store that the configuration names. @module */
import type { Config } from '../config/schema.ts';
import type { Host } from '../host/host.ts';
import type { Store } from '../store/store.ts';
import { readMembership } from './membership.ts';

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
  if (known?.backend === 'zookeeper') throw new Error('the ZooKeeper back end is not there yet');
  // Loaded here and not above: the command line needs no database to talk to a daemon.
  const { openSqliteStore } = await import('../store/sqlite.ts');
  // Only a command line that works without the daemon writes from outside; four looks a second cost nothing.
  return openSqliteStore(host, { path: sqlitePath(config), owner, pollMs: 250 });
}
