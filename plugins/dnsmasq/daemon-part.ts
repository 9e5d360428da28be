/** What of DHCP lives only while a daemon runs. @module */
import type { AnyController, Runtime } from '../../core/plugin/api.ts';
import type { DnsmasqConfig } from './config.ts';
import { leaseController } from './lease/lease-controller.ts';
import { LeaseSpool } from './lease/lease-spool.ts';
import { namesController } from './names/names-controller.ts';
import { GuestNames } from './server/guest-names.ts';
import { serverController } from './server/server-controller.ts';
import { Servers } from './server/servers.ts';
import { dhcp } from './settings/dhcp-kind.ts';
import { tidyController } from './tidy-controller.ts';

export interface DaemonPart {
  readonly runtime: Runtime;
  readonly servers: Servers;
  readonly guests: GuestNames;
  readonly controllers: readonly AnyController[];
}

export function startDaemonPart(runtime: Runtime): DaemonPart {
  const spool = new LeaseSpool(runtime);
  const servers = new Servers(runtime, spool);
  const guests = new GuestNames(runtime, async (networks) => {
    for (const { id, spec } of await runtime.documents.list(dhcp))
      if (networks.has(spec.network)) runtime.touch(dhcp.name, id);
  });
  return {
    runtime,
    servers,
    guests,
    controllers: [
      namesController(runtime, runtime.section('dnsmasq') as DnsmasqConfig, servers),
      serverController(runtime, servers, guests),
      leaseController(runtime, spool),
      tidyController(runtime),
    ],
  };
}
