/**
 * A client that works on the embedded store without a daemon: it shows, plans and changes what is
 * stored; what only a running node can answer is refused.
 * @module
 */
import { usageError } from '../cli/cli-errors.ts';
import type { ConnectedClient } from '../cli/command-context.ts';
import { createClient } from '../client/client.ts';
import { createLinuxHost } from '../host/linux.ts';
import { processId } from '../host/process.ts';
import { Executor } from '../operation/execute.ts';
import type { Program } from '../program.ts';
import { Documents } from '../store/documents.ts';
import { openSqliteStore } from '../store/sqlite.ts';

export async function openDirect(path: string, program: Program): Promise<ConnectedClient> {
  const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
  // Opening would make the file; a mistyped path must not become an empty cluster.
  if ((await host.files.stat(path)) === undefined)
    throw usageError(
      `There is no store at ${path}.`,
      'See directories.state in the configuration; the file is store.sqlite.',
    );
  const store = await openSqliteStore(host, { path, owner: `cli-${processId()}` });
  const documents = new Documents(store);
  program.documents = documents;
  const executor = new Executor({
    host,
    documents,
    localNode: undefined,
    admit: async (operation, plan) => {
      const veto = await program.plugins.hooks.shouldAdmit.call({ operation, plan });
      return veto === undefined ? undefined : { plugin: veto.plugin, reason: veto.answer };
    },
  });
  const client = createClient({ executor, actor: { name: 'root', role: 'admin', via: 'store' } }, program.registry);
  return Object.assign(client, { close: () => store.close() });
}
