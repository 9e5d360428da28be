/** Keeps a dnsmasq for every network with DHCP, on the node that is primary and on no other. @module */
import { type AnyController, defineController, type Runtime, shared } from '../../../core/plugin/api.ts';
import { networksOf } from '../network.ts';
import { reservation, reservationsOf } from '../reservation/reservation-kind.ts';
import { type DhcpSpec, dhcp, dhcpError } from '../settings/dhcp-kind.ts';
import { settingsProblems } from '../settings/fit.ts';
import { serverConf, serverHosts } from './conf.ts';
import type { DnsmasqFiles } from './dnsmasq.ts';
import type { GuestNames } from './guest-names.ts';
import { leaseScript } from './lease-script.ts';
import { applyServerStep, planServer, type ServerStep, type ServerView } from './server-plan.ts';
import type { Servers } from './servers.ts';

export function serverController(runtime: Runtime, servers: Servers, names: GuestNames): AnyController {
  const { documents } = runtime;

  /** What concerns all networks: each of them is looked at when one of them changes. */
  const about = shared(async () => ({
    networks: await networksOf(runtime),
    reservations: await documents.list(reservation),
  }));

  /** @throws PvcError DHCP_INVALID when the settings do not fit the network any more */
  async function wanted(vni: string, settings: DhcpSpec): Promise<DnsmasqFiles | undefined> {
    const { reservations: all, networks } = await about();
    const network = networks.find((one) => String(one.vni) === vni);
    if (network === undefined) return undefined;
    const problems = settingsProblems(settings, network);
    if (problems.length > 0) throw dhcpError('DHCP_INVALID', { network: network.name, reason: problems.join('; ') });
    const directory = servers.of(vni).directory;
    const reservations = reservationsOf(all, settings.instance);
    const guests = names.in(network.name);
    return {
      conf: serverConf({ network, settings, reservations, guests, directory }),
      reread: serverHosts({ reservations, guests }),
      script: leaseScript({ vni, directory, reported: servers.reported }),
    };
  }

  return defineController({
    name: 'dhcp-servers',
    summary: 'keeps dnsmasq running on the primary for every network with DHCP',
    kind: dhcp,
    scope: 'node',
    present: () => servers.present(),
    async observe(vni, doc): Promise<ServerView> {
      const server = servers.of(vni);
      const whose = await servers.whose();
      return {
        duty: whose,
        wanted: doc === undefined || whose !== 'ours' ? undefined : await wanted(vni, doc.spec),
        written: await server.written(),
        loaded: await server.loaded(),
        serving: server.serving,
        rereads: 'reservations',
        holdsLeases: true,
      };
    },
    plan: (_doc, view) => planServer(view),
    apply: (step: ServerStep, vni) => applyServerStep(step, servers.of(vni)),
  });
}
