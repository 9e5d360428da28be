/** What of networks lives only while a daemon runs: controllers, checks, metrics. @module */
import type { AnyController, HealthCheck, MetricDefinition, Runtime } from '../../core/plugin/api.ts';
import { nodeNetworksFact } from './address/address-plan.ts';
import type { EvpnConfig } from './config.ts';
import { fabricController } from './fabric/fabric-controller.ts';
import { FabricHealth } from './fabric/fabric-health.ts';
import { fabricMetrics } from './fabric/fabric-metrics.ts';
import { Frr } from './fabric/frr.ts';
import { linkController } from './links/link-controller.ts';
import { Links } from './links/links.ts';
import { underlayFact } from './network/mtu.ts';
import { RouterHealth } from './upstream/router-health.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly links: Links;
  readonly controllers: readonly AnyController[];
  readonly health: readonly HealthCheck[];
  readonly metrics: readonly MetricDefinition[];
  /** What the node's document tells of its part in networks. */
  readonly facts: () => Promise<Readonly<Record<string, number | string>>>;
}

export function startDaemonPart(runtime: Runtime): DaemonPart {
  const config = runtime.section('evpn') as EvpnConfig;
  const links = new Links(runtime);
  const frr = new Frr(runtime);
  const health = new FabricHealth(runtime, config, frr);
  const routers = new RouterHealth({
    node: runtime.node,
    routers: config.upstream.routers,
    serving: () => frr.serving,
    sessions: () => frr.routerSessions(),
  });
  return {
    runtime,
    links,
    controllers: [linkController(runtime, links), fabricController(runtime, config, frr)],
    health: [health.check(), routers.check()],
    metrics: [...fabricMetrics(health), ...routers.metrics()],
    async facts() {
      const address = await links.address();
      const mtu = address === undefined ? undefined : await links.underlayMtu(address);
      return {
        [nodeNetworksFact]: (await links.nodeNetworks()).join(' '),
        ...(mtu === undefined ? {} : { [underlayFact]: mtu }),
      };
    },
  };
}
