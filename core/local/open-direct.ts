/**
 * A client that works on the store itself without a daemon: it shows, plans and changes what is
 * stored; what only a running node can answer is refused.
 * @module
 */
import type { ConnectedClient } from '../cli/command-context.ts';
import { createClient } from '../client/client.ts';
import { followShapes } from '../cluster/shape-gate.ts';
import type { Host } from '../host/host.ts';
import { createLinuxHost } from '../host/linux.ts';
import { Executor } from '../operation/execute.ts';
import type { Program } from '../program.ts';
import { Documents } from '../store/documents.ts';
import type { Store } from '../store/store.ts';

export async function openDirect(program: Program, open: (host: Host) => Promise<Store>): Promise<ConnectedClient> {
  const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
  const store = await open(host);
  const documents = new Documents(store);
  program.documents = documents;
  await followShapes(documents);
  const executor = new Executor({
    host,
    documents,
    localNode: undefined,
    kinds: program.kinds,
    admit: async (operation, plan) => {
      const veto = await program.plugins.hooks.shouldAdmit.call({ operation, plan });
      return veto === undefined ? undefined : { plugin: veto.plugin, reason: veto.answer };
    },
  });
  const client = createClient({ executor, actor: { name: 'root', role: 'admin', via: 'store' } }, program.registry);
  return Object.assign(client, { close: () => store.close() });
}
