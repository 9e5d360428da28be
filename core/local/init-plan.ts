/**
 * A new cluster of one node as a plan: its documents, with what plugins add to them, and the secrets that only its maker
 * sees. Nothing is made here.
 * @module
 */

import { usageError } from '../cli/cli-errors.ts';
import { type CertificatePair, fingerprint, makeCa, makeNodeCertificate } from '../cluster/certificate.ts';
import { ports } from '../cluster/ensemble/zoo-cfg.ts';
import { joinTokenText } from '../cluster/join-token.ts';
import type { EnsembleServer } from '../cluster/membership.ts';
import { checkFloating, inNetwork, ownAddress } from '../cluster/own-address.ts';
import { makeToken } from '../cluster/token.ts';
import { token as tokenKind } from '../cluster/token-kind.ts';
import { localNodeName } from '../daemon/identity.ts';
import type { Host } from '../host/host.ts';
import { machineAddresses } from '../host/machine-addresses.ts';
import { cluster, clusterId } from '../model/cluster-kind.ts';
import { sortableId } from '../model/ids.ts';
import { node } from '../model/node-kind.ts';
import { audit, changeLines } from '../operation/audit.ts';
import { PlanBuilder } from '../operation/plan.ts';
import type { InitPart } from '../plugin/init-part.ts';
import type { Program } from '../program.ts';
import type { Write } from '../store/documents.ts';

export interface InitRequest {
  readonly name: string;
  readonly store: 'sqlite' | 'zookeeper';
  readonly clusterNetwork?: string | undefined;
  readonly address?: string | undefined;
  readonly floating?: string | undefined;
  /** How many coordinators there shall be. */
  readonly coordinators: number;
  /** What is asked of plugins. */
  readonly parts: readonly { readonly part: InitPart; readonly value: unknown }[];
}

export interface ClusterPlan {
  readonly node: string;
  readonly builder: PlanBuilder;
  /** The audit record, part of the same commit. */
  readonly record: Write;
  readonly ca: CertificatePair;
  readonly certificate: CertificatePair;
  /** The first server of the ensemble; undefined on the embedded store. */
  readonly server: EnsembleServer | undefined;
  /** The administrator's. */
  readonly token: string;
  /** One for each coordinator that is to come. */
  readonly joinTokens: readonly string[];
}

const joinTokenMs = 24 * 3_600_000;

/** @throws PvcError USAGE, ADDRESS_…, FLOATING_UNFIT, and what plugins refuse */
export async function planCluster(host: Host, program: Program, request: InitRequest): Promise<ClusterPlan> {
  const { name } = request;
  const { config } = program.loaded;
  const nodeName = await localNodeName(host, config);
  const network = networkOf(request);
  const nowMs = host.clock.wallMs();
  const bytes = (length: number): Uint8Array => host.random.bytes(length);
  const server =
    request.store === 'zookeeper' && network !== undefined
      ? { id: 1, node: nodeName, address: network.address, clientPort: ports.client }
      : undefined;
  const ca = await makeCa({ name, nowMs });
  const certificate = await makeNodeCertificate(ca, {
    name: nodeName,
    addresses: machineAddresses(),
    dnsNames: ['localhost'],
    nowMs,
  });
  const common = { nowMs, createdBy: 'cluster init' };
  const admin = makeToken(bytes, { ...common, name: 'admin', role: 'admin' });
  const joins = Array.from({ length: request.coordinators - 1 }, () =>
    makeToken(bytes, { ...common, name: 'join', role: 'join', expiresMs: nowMs + joinTokenMs }),
  );

  const builder = new PlanBuilder({ nowMs, actor: 'root', newId: () => sortableId(nowMs, bytes(7)) });
  builder.create(cluster, clusterId, {
    name,
    createdMs: nowMs,
    maintenance: false,
    authority: ca.cert,
    ...(network === undefined ? {} : { networks: { cluster: network.range } }),
  });
  builder.create(node, nodeName, {
    role: 'coordinator',
    domainState: 'ready',
    ...(network === undefined ? {} : { address: network.address }),
    ...(server === undefined ? {} : { server: server.id }),
  });
  builder.create(tokenKind, admin.id, admin.spec);
  for (const { id, spec } of joins)
    builder.create(tokenKind, id, { ...spec, name: `join-${id}`, join: { role: 'coordinator' } });
  const machine = {
    node: nodeName,
    nowMs,
    uuid: () => host.random.uuid(),
    bytes,
    addressesIn: (cidr: string) =>
      machineAddresses().filter((address) => address !== request.floating && inNetwork(cidr, address)),
  };
  for (const { part, value } of request.parts) part.plan(builder, machine, value);
  return {
    node: nodeName,
    builder,
    record: {
      do: 'create',
      kind: audit,
      id: sortableId(nowMs, bytes(7)),
      spec: {
        atMs: nowMs,
        actor: 'root',
        role: 'admin',
        via: 'store',
        operation: 'cluster.init',
        input: {
          name,
          store: request.store,
          ...Object.fromEntries(request.parts.map((one) => [one.part.field, one.value])),
        },
        changes: changeLines(builder.writes),
        tasks: [],
      },
    },
    ca,
    certificate,
    server,
    token: admin.text,
    joinTokens:
      network === undefined
        ? []
        : joins.map(({ text }) =>
            joinTokenText({ urls: [urlOf(network.address, config.api.port)], ca: fingerprint(ca.cert), token: text }),
          ),
  };
}

const urlOf = (address: string, port: number): string =>
  `https://${address.includes(':') ? `[${address}]` : address}:${port}`;

/** What was asked about the cluster network, and this machine's own address in it. @throws PvcError USAGE and those of own-address.ts */
function networkOf(
  request: InitRequest,
): { address: string; range: { cidr: string; floating?: string | undefined } } | undefined {
  const { clusterNetwork: cidr, floating } = request;
  if (cidr === undefined) {
    if (request.store === 'zookeeper' || floating !== undefined || request.coordinators > 1)
      throw usageError(
        'A cluster that is to have several nodes needs a cluster network.',
        'Name the network between the servers: --cluster-network 10.0.0.0/24.',
      );
    return undefined;
  }
  if (request.coordinators > 1 && request.store !== 'zookeeper')
    throw usageError('Several coordinators share their state in ZooKeeper.', 'Add --store zookeeper.');
  const address = ownAddress(cidr, machineAddresses(), request.address, floating);
  if (floating === undefined) return { address, range: { cidr } };
  checkFloating(cidr, floating, [address]);
  return { address, range: { cidr, floating } };
}
