/** Keeps a dnsmasq for every network with DHCP, on the node that is primary and on no other. @module */
import { type AnyController, defineController, type Runtime, View } from '../../../core/plugin/api.ts';
import type { DnsmasqConfig } from '../config.ts';
import { networksOf } from '../network.ts';
import { reservation, reservationsOf } from '../reservation/reservation-kind.ts';
import { type DhcpSpec, dhcp, dhcpError } from '../settings/dhcp-kind.ts';
import { settingsProblems } from '../settings/fit.ts';
import { serverConf, serverHosts } from './conf.ts';
import { forwardersOf } from './forwarders.ts';
import type { GuestNames } from './guest-names.ts';
import { leaseScript } from './lease-script.ts';
import { resolverOf } from './resolver.ts';
import { planServer, type ServerFiles, type ServerStep, type ServerView } from './server-plan.ts';
import type { Servers } from './servers.ts';
import { shared } from './shared.ts';

export function serverController(
  runtime: Runtime,
  config: DnsmasqConfig,
  servers: Servers,
  names: GuestNames,
): AnyController {
  const { documents } = runtime;

  /** What concerns all networks: each of them is looked at when one of them changes. */
  const about = shared(async () => ({
    networks: await networksOf(runtime),
    reservations: await documents.list(reservation),
    resolver: await resolverOf(runtime),
    forwarders: await forwardersOf(runtime.host, config),
  }));

  async function duty(): Promise<ServerView['duty']> {
    if (servers.duty) return 'ours';
    const holder = await new View(documents).primary();
    // It may be this one in a moment: then what an earlier life of the daemon left running is right.
    return holder === undefined || holder === runtime.node ? 'open' : 'others';
  }

  /** @throws PvcError DHCP_INVALID when the settings do not fit the network any more */
  async function wanted(vni: string, settings: DhcpSpec): Promise<ServerFiles | undefined> {
    const { reservations: all, ...others } = await about();
    const network = others.networks.find((one) => String(one.vni) === vni);
    if (network === undefined) return undefined;
    const problems = settingsProblems(settings, network);
    if (problems.length > 0) throw dhcpError('DHCP_INVALID', { network: network.name, reason: problems.join('; ') });
    const directory = servers.directory(vni);
    const reservations = reservationsOf(all, settings.instance);
    const guests = names.in(network.name);
    return {
      conf: serverConf({ network, settings, reservations, guests, directory, ...others }),
      hosts: serverHosts({ reservations, guests }),
      script: leaseScript({ vni, directory, reported: servers.reported }),
    };
  }

  function act(step: ServerStep, vni: string): Promise<void> {
    switch (step.do) {
      case 'files':
        return servers.write(vni, step.files);
      case 'serve':
        return servers.serve(vni, step.files);
      case 'restart':
        return servers.restart(vni, step.files);
      case 'reload':
        return servers.reload(vni, step.files);
      case 'end':
        return servers.end(vni);
    }
  }

  return defineController({
    name: 'dhcp-servers',
    summary: 'keeps dnsmasq running on the primary for every network with DHCP',
    kind: dhcp,
    scope: 'node',
    present: () => servers.present(),
    async observe(vni, doc): Promise<ServerView> {
      const whose = await duty();
      return {
        duty: whose,
        wanted: doc === undefined || whose !== 'ours' ? undefined : await wanted(vni, doc.spec),
        written: await servers.written(vni),
        loaded: await servers.loaded(vni),
        serving: servers.serving(vni),
      };
    },
    plan: (_doc, view) => planServer(view),
    apply: act,
  });
}
