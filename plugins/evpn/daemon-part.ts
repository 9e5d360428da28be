/** What of networks lives only while a daemon runs: controllers, checks, metrics. @module */
import {
  type AnyController,
  errorText,
  type HealthCheck,
  type MetricDefinition,
  type Runtime,
} from '../../core/plugin/api.ts';
import { nodeNetworksFact } from './address/address-plan.ts';
import type { EvpnConfig } from './config.ts';
import { fabricController } from './fabric/fabric-controller.ts';
import { FabricHealth } from './fabric/fabric-health.ts';
import { fabricMetrics } from './fabric/fabric-metrics.ts';
import { Frr } from './fabric/frr.ts';
import { Firewall, type MetadataPorts } from './firewall/firewall.ts';
import { firewallController } from './firewall/firewall-controller.ts';
import { firewallHealth } from './firewall/firewall-health.ts';
import { Nft } from './firewall/nft.ts';
import { gatewayMetric } from './gateway/gateway-metric.ts';
import { Gateways } from './gateway/gateways.ts';
import { PrimaryWay } from './gateway/primary-way.ts';
import { guardController } from './guard/guard-controller.ts';
import { guardTables } from './guard/guard-ruleset.ts';
import { Guards } from './guard/guards.ts';
import { DrawnCards } from './guest/drawn-cards.ts';
import { linkController } from './links/link-controller.ts';
import { Links } from './links/links.ts';
import { underlayFact, vlanFact } from './network/mtu.ts';
import { PhysicalFunctions } from './sriov/physical-functions.ts';
import { sriovController } from './sriov/sriov-controller.ts';
import { sriovFacts } from './sriov/sriov-telling.ts';
import { VirtualCards } from './sriov/virtual-cards.ts';
import { FloatingUpstream } from './upstream/floating.ts';
import { RouterHealth } from './upstream/router-health.ts';
import { RouterPasswords } from './upstream/router-passwords.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly cards: DrawnCards;
  readonly links: Links;
  readonly frr: Frr;
  readonly gateways: Gateways;
  readonly floating: FloatingUpstream;
  readonly nft: Nft;
  readonly firewall: Firewall;
  readonly guards: Guards;
  readonly virtualCards: VirtualCards;
  readonly controllers: readonly AnyController[];
  readonly health: readonly HealthCheck[];
  readonly metrics: readonly MetricDefinition[];
  /** What the node's document tells of its part in networks. */
  readonly facts: () => Promise<Readonly<Record<string, number | string>>>;
}

/** @param metadata where guests of networks find the metadata service */
export function startDaemonPart(runtime: Runtime, metadata: MetadataPorts): DaemonPart {
  const config = runtime.section('evpn') as EvpnConfig;
  const cards = new DrawnCards();
  const links = new Links(runtime, config.vlanLink);
  const frr = new Frr(runtime);
  const health = new FabricHealth(runtime, config, frr);
  const passwords = new RouterPasswords(runtime.host.files, config.upstream.routers);
  const routers = new RouterHealth({
    node: runtime.node,
    routers: config.upstream.routers,
    serving: () => frr.serving,
    sessions: () => frr.routerSessions(),
    troubles: () => passwords.troubles,
  });
  const functions = new PhysicalFunctions(runtime.host.files, links, config.sriov);
  const virtualCards = new VirtualCards(runtime, functions);
  const nft = new Nft(runtime);
  const firewall = new Firewall({ ...runtime, metadata }, nft);
  const guards = new Guards(runtime, new Nft(runtime, guardTables));
  const way = new PrimaryWay(runtime, links);
  void way
    .follow()
    .catch((error: unknown) => runtime.host.log.error('following the primary ended', { reason: errorText(error) }));
  const gateways = new Gateways(
    runtime,
    links,
    firewall,
    way,
    config.upstream.routers.map(({ address }) => address),
  );
  return {
    runtime,
    cards,
    links,
    frr,
    gateways,
    floating: new FloatingUpstream(runtime, config.upstream.floating),
    nft,
    firewall,
    guards,
    virtualCards,
    controllers: [
      linkController(runtime, links, firewall, cards),
      fabricController(runtime, config, frr, passwords),
      firewallController(links, firewall),
      guardController(guards),
      ...(config.sriov.length === 0 ? [] : [sriovController(functions, virtualCards)]),
    ],
    health: [health.check(), routers.check(), firewallHealth(firewall, runtime.node)],
    metrics: [...fabricMetrics(health), ...routers.metrics(), gatewayMetric(gateways)],
    async facts() {
      const address = await links.address();
      const mtu = address === undefined ? undefined : await links.underlayMtu(address);
      const vlanLink = await links.vlanLink();
      return {
        [nodeNetworksFact]: (await links.nodeNetworks()).join(' '),
        ...(mtu === undefined ? {} : { [underlayFact]: mtu }),
        ...(vlanLink === undefined ? {} : { [vlanFact]: vlanLink.mtu }),
        ...(await sriovFacts(runtime, functions, virtualCards)),
      };
    },
  };
}
