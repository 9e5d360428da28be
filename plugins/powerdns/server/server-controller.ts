/** Keeps PowerDNS running on every coordinator, from the first network with a domain on. @module */
import {
  type AnyController,
  cluster,
  clusterId,
  defineController,
  node as nodeKind,
  type Runtime,
} from '../../../core/plugin/api.ts';
import type { PowerdnsConfig } from '../config.ts';
import { type BackendName, backendId, dnsBackend } from '../galera/backend-kind.ts';
import type { DnsSources } from '../zone/sources.ts';
import type { Pdns } from './pdns.ts';
import { backendIn, pdnsConf } from './pdns-conf.ts';
import { planServer, type ServerStep, type ServerView } from './server-plan.ts';

export function serverController(runtime: Runtime, config: PowerdnsConfig, pdns: Pdns, dns: DnsSources): AnyController {
  const { documents, node } = runtime;

  /** The chosen one, once it can be used here: until then PowerDNS goes on with what it has. */
  async function backend(): Promise<BackendName> {
    const chosen = (await documents.get(dnsBackend, backendId))?.spec.backend ?? 'sqlite';
    if (chosen === 'sqlite' || (await pdns.backend()) === chosen) return chosen;
    return (await pdns.look(chosen)).state === 'sound' ? chosen : 'sqlite';
  }

  async function wantedConf(): Promise<string | undefined> {
    // A hypervisor tells no names, and is not to read what it needs no word of every few seconds.
    if ((await documents.get(nodeKind, node))?.spec.role !== 'coordinator') return undefined;
    const [spec, networks] = await Promise.all([documents.get(cluster, clusterId), dns.networks()]);
    if (networks.every(({ domain }) => domain === null)) return undefined;
    return pdnsConf({
      key: await pdns.key(),
      floating: spec?.spec.networks?.cluster?.floating,
      addresses: config.addresses,
      secondaries: config.secondaries,
      launch: pdns.launch(await backend()),
    });
  }

  async function observe(): Promise<ServerView> {
    const wanted = await wantedConf();
    const { serving } = pdns;
    const conf = await pdns.conf();
    // Where there never was one, nothing is asked of programs that may not be installed.
    const wantedBackend = backendIn(wanted) ?? 'sqlite';
    const shared = wantedBackend === 'galera';
    if (conf === undefined && !shared)
      return { wanted, conf, serving, shared, database: 'absent', stuck: false, loaded: false, leftover: false };
    const { state, mark } = await pdns.look(wantedBackend);
    return {
      ...{ wanted, conf, serving, shared, database: state, stuck: await pdns.isStuck() },
      leftover: await pdns.hasLeftover(),
      loaded: conf !== undefined && mark !== undefined && (await pdns.isLoaded(conf, mark)),
    };
  }

  const acts: Readonly<Record<ServerStep['do'], (step: ServerStep) => Promise<void>>> = {
    conf: ({ conf }) => pdns.writeConf(conf ?? ''),
    database: () => pdns.makeDatabase(),
    start: async () => {
      await pdns.start();
      runtime.touch('cluster', clusterId);
    },
    restart: () => pdns.restart(),
    tidy: () => pdns.removeLeftover(),
    end: () => pdns.end(),
  };
  return defineController({
    name: 'dns-server',
    summary: 'keeps PowerDNS configured and running on coordinators',
    kind: cluster,
    scope: 'node',
    observe,
    plan: (_doc, view) => planServer(view),
    apply: (step: ServerStep) => acts[step.do](step),
  });
}
