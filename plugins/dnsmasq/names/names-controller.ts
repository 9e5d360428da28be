/** Keeps the dnsmasq that knows who answers which names, on the primary while there is a network with DHCP. @module */
import { type AnyController, cluster, defineController, type Runtime } from '../../../core/plugin/api.ts';
import type { DnsmasqConfig } from '../config.ts';
import { networksOf } from '../network.ts';
import type { DnsmasqFiles } from '../server/dnsmasq.ts';
import { applyServerStep, planServer, type ServerStep, type ServerView } from '../server/server-plan.ts';
import type { Servers } from '../server/servers.ts';
import { dhcp } from '../settings/dhcp-kind.ts';
import { forwardersOf } from './forwarders.ts';
import { namesConf, namesServers } from './names-conf.ts';
import { resolverOf } from './resolver.ts';

export function namesController(
  runtime: Runtime,
  config: DnsmasqConfig,
  servers: Pick<Servers, 'names' | 'whose'>,
): AnyController {
  const { names } = servers;

  async function wanted(): Promise<DnsmasqFiles | undefined> {
    if ((await runtime.documents.ids(dhcp)).length === 0) return undefined;
    const [networks, resolver] = [await networksOf(runtime), await resolverOf(runtime)];
    const forwarders = await forwardersOf(runtime.host, config);
    return { conf: namesConf(names.directory), reread: namesServers({ networks, resolver, forwarders }) };
  }

  return defineController({
    name: 'dhcp-names',
    summary: 'keeps running on the primary what tells guests’ dnsmasq which name server answers what',
    kind: cluster,
    scope: 'node',
    async observe(): Promise<ServerView> {
      const duty = await servers.whose();
      return {
        duty,
        wanted: duty === 'ours' ? await wanted() : undefined,
        written: await names.written(),
        loaded: await names.loaded(),
        serving: names.serving,
        rereads: 'name servers',
      };
    },
    plan: (_doc, view) => planServer(view),
    apply: (step: ServerStep) => applyServerStep(step, names),
  });
}
