/** What of DNS lives only while a daemon runs: controllers, checks, metrics. @module */
import type { AnyController, HealthCheck, MetricDefinition, Runtime } from '../../core/plugin/api.ts';
import type { PowerdnsConfig } from './config.ts';
import { PdnsApi } from './server/api.ts';
import { PdnsHealth } from './server/health.ts';
import { Pdns } from './server/pdns.ts';
import { keyIn } from './server/pdns-conf.ts';
import { serverController } from './server/server-controller.ts';
import { DnsSources } from './zone/sources.ts';
import { zoneWork } from './zone/zone-controller.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly dns: DnsSources;
  readonly controllers: readonly AnyController[];
  readonly health: readonly HealthCheck[];
  readonly metrics: readonly MetricDefinition[];
}

export function startDaemonPart(runtime: Runtime): DaemonPart {
  const config = runtime.section('powerdns') as PowerdnsConfig;
  const dns = new DnsSources(runtime, config);
  const api = new PdnsApi(runtime.host, async () => keyIn(await pdns.conf()));
  const pdns = new Pdns(runtime, api);
  const zones = zoneWork(runtime, config, pdns, api, dns);
  const health = new PdnsHealth(runtime.node, pdns, api, zones);
  return {
    runtime,
    dns,
    controllers: [serverController(runtime, config, pdns, dns), zones.controller],
    health: [health.check()],
    metrics: health.metrics(),
  };
}
