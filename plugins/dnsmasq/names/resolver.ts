/** The cluster's own name server, which knows the names of all networks. @module */
import { type Runtime, z } from '../../../core/plugin/api.ts';

/** Where the plugin powerdns answers on each coordinator (plugins/powerdns/server/pdns-conf.ts), as dnsmasq writes it. */
const powerdns = '127.0.0.1#5300';

const plugins = z.array(z.object({ name: z.string(), state: z.string() }));

/** Undefined: this node has none; then each network knows its own names only. */
export async function resolverOf(runtime: Pick<Runtime, 'ask' | 'signal'>): Promise<string | undefined> {
  const loaded = plugins.parse(await runtime.ask('plugin.list', {}, runtime.signal));
  return loaded.some(({ name, state }) => name === 'powerdns' && state === 'loaded') ? powerdns : undefined;
}
