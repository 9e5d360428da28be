/** Keeps FRR on this node as the cluster is: started with the first network, told of nodes that come and go. @module */
import {
  type AnyController,
  cluster,
  clusterId,
  type Doc,
  defineController,
  node as nodeKind,
  type Runtime,
} from '../../../core/plugin/api.ts';
import type { EvpnConfig } from '../config.ts';
import { type NetworkSpec, network } from '../network/network-kind.ts';
import type { RouterPasswords, SpokenRouter } from '../upstream/router-passwords.ts';
import type { ClientPrefix } from '../upstream/upstream-conf.ts';
import { type FabricStep, fabricOf, planFabric } from './fabric-plan.ts';
import type { Frr } from './frr.ts';
import type { FabricInput } from './frr-conf.ts';

/** The prefixes that are reached from outside: those with a gateway. */
const clientPrefixes = (networks: readonly Doc<NetworkSpec, null>[]): ClientPrefix[] =>
  networks
    .toSorted((one, other) => Number(one.id) - Number(other.id))
    .flatMap(({ id, spec }) =>
      [spec.ipv4, spec.ipv6].flatMap((family) =>
        family?.gateway === undefined ? [] : [{ vni: id, prefix: family.prefix }],
      ),
    );

/** What this node's fabric is to be now. @param routers those of its own that it speaks with */
export async function wantedFabric(
  { documents, node }: Runtime,
  config: EvpnConfig,
  routers: readonly SpokenRouter[],
): Promise<FabricInput | undefined> {
  const [spec, nodes, networks] = await Promise.all([
    documents.get(cluster, clusterId),
    documents.list(nodeKind),
    documents.list(network),
  ]);
  return fabricOf({
    asn: config.asn,
    bfd: config.bfd,
    cidr: spec?.spec.networks?.cluster?.cidr,
    self: node,
    networks: networks.filter(({ spec }) => spec.type === 'managed').length,
    upstream: { ...config.upstream, routers, prefixes: clientPrefixes(networks) },
    nodes: nodes.map(({ id, spec: { role, address } }) => ({ name: id, role, address })),
  });
}

export function fabricController(
  runtime: Runtime,
  config: EvpnConfig,
  frr: Frr,
  passwords: RouterPasswords,
): AnyController {
  const acts: Readonly<Record<FabricStep['do'], (step: FabricStep) => Promise<void>>> = {
    files: ({ conf, daemons }) => frr.writeFiles(conf, daemons),
    serve: ({ daemons }) => frr.serve(daemons),
    reload: ({ conf, named, passwords }) => frr.reload(conf, named, passwords),
  };
  return defineController({
    name: 'network-fabric',
    summary: 'keeps FRR running and configured, which tells the nodes where guests are',
    kind: cluster,
    scope: 'node',
    async observe() {
      const wanted = await wantedFabric(runtime, config, await passwords.spoken());
      return {
        wanted,
        conf: await frr.conf(),
        loaded: await frr.loaded(),
        serving: frr.serving,
        answers: wanted !== undefined && frr.serving && (await frr.sessions()) !== undefined,
      };
    },
    plan: (_doc, view) => planFabric(view),
    apply: (step: FabricStep) => acts[step.do](step),
  });
}
