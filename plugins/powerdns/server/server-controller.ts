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
import type { DnsSources } from '../zone/sources.ts';
import { launchLines } from './launch-sqlite.ts';
import type { Pdns } from './pdns.ts';
import { pdnsConf } from './pdns-conf.ts';
import { planServer, type ServerStep, type ServerView } from './server-plan.ts';

export function serverController(runtime: Runtime, config: PowerdnsConfig, pdns: Pdns, dns: DnsSources): AnyController {
  const { documents, node } = runtime;

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
      launch: launchLines,
    });
  }

  async function observe(): Promise<ServerView> {
    const wanted = await wantedConf();
    const { serving } = pdns;
    const conf = await pdns.conf();
    // Where there never was one, nothing is asked of programs that may not be installed.
    if (conf === undefined) return { wanted, conf, database: 'absent', serving, stuck: false, loaded: false };
    const { state, mark } = await pdns.look();
    return {
      ...{ wanted, conf, serving, database: state, stuck: await pdns.isStuck() },
      loaded: mark !== undefined && (await pdns.isLoaded(conf, mark)),
    };
  }

  const acts: Readonly<Record<ServerStep['do'], (step: ServerStep) => Promise<void>>> = {
    conf: ({ conf }) => pdns.writeConf(conf ?? ''),
    database: () => pdns.makeDatabase(),
    start: async () => {
      await pdns.start();
      runtime.touch('cluster', clusterId);
    },
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
