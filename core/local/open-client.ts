/** Opens the client that a command line asks for: socket, HTTPS, or the store itself. @module */

import { usageError } from '../cli/cli-errors.ts';
import type { ConnectedClient } from '../cli/command-context.ts';
import type { ConnectionOptions } from '../cli/connection-choice.ts';
import { createClient } from '../client/client.ts';
import { readSecret } from '../cluster/membership.ts';
import { openEnsemble } from '../cluster/open-store.ts';
import type { Host } from '../host/host.ts';
import { processId } from '../host/process.ts';
import type { Program } from '../program.ts';
import type { Store } from '../store/store.ts';

/** @throws PvcError TARGET_INVALID, USAGE, and what the store says */
export async function openClient(options: ConnectionOptions, program: Program): Promise<ConnectedClient> {
  if (!('store' in options)) return createClient(options, program.registry);
  const { openDirect } = await import('./open-direct.ts');
  const path = /^sqlite:(\/.+)$/.exec(options.store)?.[1];
  if (path !== undefined) return openDirect(program, (host) => openFile(host, path));
  const list = /^zk:\/\/([^/]+)\/?$/.exec(options.store)?.[1];
  const servers = list?.split(',').map((text) => /^(\[[0-9a-f:.]+\]|[^:]+)(?::(\d{1,5}))?$/i.exec(text));
  if (servers === undefined || servers.includes(null))
    throw usageError(
      `"${options.store}" is no store.`,
      'Write it as sqlite:/absolute/path/store.sqlite or zk://10.0.0.11:2181,10.0.0.12:2181.',
    );
  return openDirect(program, (host) =>
    openServers(
      host,
      program,
      servers.flatMap((found) =>
        found === null
          ? []
          : [{ address: (found[1] ?? '').replace(/[[\]]/g, ''), clientPort: Number(found[2] ?? 2181) }],
      ),
    ),
  );
}

async function openFile(host: Host, path: string): Promise<Store> {
  // Opening would make the file; a mistyped path must not become an empty cluster.
  if ((await host.files.stat(path)) === undefined)
    throw usageError(
      `There is no store at ${path}.`,
      'See directories.state in the configuration; the file is store.sqlite.',
    );
  const { openSqliteStore } = await import('../store/sqlite.ts');
  return openSqliteStore(host, { path, owner: `cli-${processId()}` });
}

/** ZooKeeper opens to who knows the cluster's secret: root on a node of it. */
async function openServers(
  host: Host,
  program: Program,
  servers: readonly { readonly address: string; readonly clientPort: number }[],
): Promise<Store> {
  const { state } = program.loaded.config.directories;
  const secret = await readSecret(host, state);
  if (secret === undefined)
    throw usageError(
      `The cluster's secret is not here: there is no ${state}/cluster.secret.`,
      'Work on a node of the cluster, as root; or use its API.',
    );
  return openEnsemble(host, servers, secret, `cli-${processId()}`);
}
