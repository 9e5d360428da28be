/** What of DNS lives only while a daemon runs: controllers, checks, metrics. @module */
import type { AnyController, HealthCheck, MetricDefinition, Runtime } from '../../core/plugin/api.ts';
import type { PowerdnsConfig } from './config.ts';
import { GaleraHealth } from './galera/galera-health.ts';
import { groupController } from './galera/group-controller.ts';
import { Mariadb } from './galera/mariadb.ts';
import { memberWork } from './galera/member-controller.ts';
import { PdnsApi } from './server/api.ts';
import { PdnsHealth } from './server/health.ts';
import { GaleraDatabase } from './server/launch-galera.ts';
import { SqliteDatabase } from './server/launch-sqlite.ts';
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
  const mariadb = new Mariadb(runtime);
  const pdns = new Pdns(runtime, api, {
    sqlite: new SqliteDatabase(runtime.host),
    galera: new GaleraDatabase(runtime.host, mariadb),
  });
  const zones = zoneWork(runtime, config, pdns, api, dns);
  const member = memberWork(runtime, mariadb, pdns);
  const galera = new GaleraHealth(runtime, member);
  const health = new PdnsHealth(runtime.node, pdns, api, zones);
  return {
    runtime,
    dns,
    controllers: [
      ...[serverController(runtime, config, pdns, dns), zones.controller],
      ...[member.controller, groupController(runtime)],
    ],
    health: [health.check(), galera.check()],
    metrics: [...health.metrics(), ...galera.metrics()],
  };
}
