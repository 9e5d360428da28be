/**
 * Makes a new cluster of one node, on the embedded store or on a ZooKeeper ensemble of one: its state, its certificate authority, this node's certificate and
 * the first administrator's token. A failure leaves nothing behind.
 * @module
 */

import { usageError } from '../cli/cli-errors.ts';
import { fingerprint, makeCa, makeNodeCertificate } from '../cluster/certificate.ts';
import { runningDaemon } from '../cluster/daemon-record.ts';
import {
  hasServer,
  installServer,
  removeServerFiles,
  serverControl,
  serverService,
  startServer,
} from '../cluster/ensemble/server.ts';
import { ports } from '../cluster/ensemble/zoo-cfg.ts';
import { joinTokenText } from '../cluster/join-token.ts';
import { type EnsembleServer, readMembership, writeMembership, writeSecret } from '../cluster/membership.ts';
import { openEnsemble, openStore, sqlitePath } from '../cluster/open-store.ts';
import { checkFloating, ownAddress } from '../cluster/own-address.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import { makeToken } from '../cluster/token.ts';
import { token as tokenKind } from '../cluster/token-kind.ts';
import { localNodeName } from '../daemon/identity.ts';
import type { Host } from '../host/host.ts';
import { machineAddresses } from '../host/machine-addresses.ts';
import { systemdRuns } from '../host/process.ts';
import { cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import { sortableId } from '../model/ids.ts';
import { node } from '../model/node-kind.ts';
import { audit } from '../operation/audit.ts';
import type { Program } from '../program.ts';
import { Documents, type Write } from '../store/documents.ts';
import { type Store, storeError } from '../store/store.ts';

export interface MadeCluster {
  readonly cluster: string;
  readonly node: string;
  readonly token: string;
  readonly fingerprint: string;
  readonly port: number;
  readonly store: 'sqlite' | 'zookeeper';
  /** For `--coordinators`: one for each of the others. */
  readonly joinTokens: readonly string[];
}

export interface InitRequest {
  readonly name: string;
  readonly store: 'sqlite' | 'zookeeper';
  readonly clusterNetwork?: string | undefined;
  readonly address?: string | undefined;
  readonly floating?: string | undefined;
  /** How many coordinators there shall be. */
  readonly coordinators: number;
}

const joinTokenMs = 24 * 3_600_000;

/** @throws PvcError CLUSTER_EXISTS, DAEMON_RUNNING, and what the store and the files say */
export async function initCluster(host: Host, program: Program, request: InitRequest): Promise<MadeCluster> {
  const { name } = request;
  const { config } = program.loaded;
  const pid = await runningDaemon(host, config.directories.run);
  if (pid !== undefined) throw clusterError('DAEMON_RUNNING', { pid });
  const nodeName = await localNodeName(host, config);
  const { state } = config.directories;
  const known = await readMembership(host, state);
  if (known !== undefined) throw clusterError('CLUSTER_EXISTS', { name: known.cluster, path: state });
  const path = sqlitePath(config);
  const fresh = (await host.files.stat(path)) === undefined;
  const network = networkOf(request);
  const secret = Buffer.from(host.random.bytes(32)).toString('base64url');
  const tls = tlsFiles(config);
  const nowMs = host.clock.wallMs();
  const server =
    request.store === 'zookeeper' && network !== undefined
      ? { id: 1, node: nodeName, address: network.address, clientPort: ports.client }
      : undefined;
  let undo = async (): Promise<void> => {};
  let store: Store;
  if (server === undefined) store = await openStore(host, config, 'init');
  else {
    // A cluster on the embedded store is moved, not made anew beside it.
    if (!fresh) throw clusterError('CLUSTER_EXISTS', { name: 'on the embedded store', path });
    undo = await firstServer(host, program, server, secret);
    try {
      store = await openEnsemble(host, [server], secret, 'init');
    } catch (error) {
      await undo();
      throw error;
    }
  }
  let done = false;
  try {
    const documents = new Documents(store);
    const existing = await documents.get(cluster, clusterId);
    if (existing !== undefined) throw clusterError('CLUSTER_EXISTS', { name: existing.spec.name, path });
    const ca = await makeCa({ name, nowMs });
    const own = await makeNodeCertificate(ca, {
      name: nodeName,
      addresses: machineAddresses(),
      dnsNames: ['localhost'],
      nowMs,
    });
    await host.files.makeDirectory(tls.directory, 0o700);
    await host.files.writeAtomic(tls.caKey, ca.key, 0o600);
    await host.files.writeAtomic(tls.ca, ca.cert, 0o644);
    await host.files.writeAtomic(tls.key, own.key, 0o600);
    await host.files.writeAtomic(tls.certificate, own.cert, 0o644);

    const made = makeToken((length) => host.random.bytes(length), {
      name: 'admin',
      role: 'admin',
      nowMs,
      createdBy: 'cluster init',
    });
    const record = sortableId(nowMs, host.random.bytes(7));
    const joins = Array.from({ length: request.coordinators - 1 }, () =>
      makeToken((length) => host.random.bytes(length), {
        name: 'join',
        role: 'join',
        nowMs,
        createdBy: 'cluster init',
        expiresMs: nowMs + joinTokenMs,
      }),
    );
    const { ops, topics } = documents.commitOf([
      {
        do: 'create',
        kind: cluster,
        id: clusterId,
        spec: {
          name,
          createdMs: nowMs,
          maintenance: false,
          authority: ca.cert,
          ...(network === undefined
            ? {}
            : {
                networks: {
                  cluster: {
                    cidr: network.cidr,
                    ...(network.floating === undefined ? {} : { floating: network.floating }),
                  },
                },
              }),
        },
      },
      {
        do: 'create',
        kind: node,
        id: nodeName,
        spec: {
          role: 'coordinator',
          domainState: 'ready',
          ...(network === undefined ? {} : { address: network.address }),
          ...(server === undefined ? {} : { server: server.id }),
        },
      },
      { do: 'create', kind: tokenKind, id: made.id, spec: made.spec },
      ...joins.map(
        (join): Write => ({
          do: 'create',
          kind: tokenKind,
          id: join.id,
          spec: { ...join.spec, name: `join-${join.id}`, join: { role: 'coordinator' } },
        }),
      ),
      {
        do: 'create',
        kind: audit,
        id: record,
        spec: {
          atMs: nowMs,
          actor: 'root',
          role: 'admin',
          via: 'store',
          operation: 'cluster.init',
          input: { name, store: request.store },
          changes: [`cluster ${name} created`, `node ${nodeName} created`, 'token admin created'],
          tasks: [],
        },
      },
    ]);
    const committed = await store.commit(ops, topics);
    if (committed.outcome === 'unknown')
      throw storeError('STORE_UNKNOWN', { what: 'making the cluster' }, { cause: committed.cause });
    if (committed.outcome === 'conflict') throw clusterError('CLUSTER_EXISTS', { name, path });
    if (server !== undefined) {
      await writeSecret(host, state, secret);
      await writeMembership(host, state, { backend: 'zookeeper', cluster: name, servers: [server] });
    }
    done = true;
    return {
      cluster: name,
      node: nodeName,
      token: made.text,
      fingerprint: fingerprint(own.cert),
      port: config.api.port,
      store: request.store,
      joinTokens:
        network === undefined
          ? []
          : joins.map((join) =>
              joinTokenText({
                urls: [urlOf(network.address, config.api.port)],
                ca: fingerprint(ca.cert),
                token: join.text,
              }),
            ),
    };
  } finally {
    await store.close();
    // A file that was there before is never removed.
    if (!done) await undo();
    if (!done && fresh) for (const file of [path, `${path}-wal`, `${path}-shm`]) await host.files.remove(file);
  }
}

const urlOf = (address: string, port: number): string =>
  `https://${address.includes(':') ? `[${address}]` : address}:${port}`;

/** What was asked about the cluster network, and this machine's own address in it. @throws PvcError USAGE and those of own-address.ts */
function networkOf(request: InitRequest): { cidr: string; address: string; floating: string | undefined } | undefined {
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
  const addresses = machineAddresses();
  const address = ownAddress(cidr, addresses, request.address, floating);
  if (floating !== undefined) checkFloating(cidr, floating, [address]);
  return { cidr, address, floating };
}

/** Makes and starts the first server of the ensemble. @returns what undoes that */
async function firstServer(
  host: Host,
  program: Program,
  server: EnsembleServer,
  secret: string,
): Promise<() => Promise<void>> {
  const { config } = program.loaded;
  const { state, log } = config.directories;
  if (await hasServer(host, state)) throw clusterError('CLUSTER_EXISTS', { name: 'in ZooKeeper', path: state });
  const definition = serverService(host, state, server);
  const control = await serverControl(host, config, definition, systemdRuns());
  const undo = async (): Promise<void> => {
    const pid = await control.running();
    if (pid !== undefined) host.processes.kill(pid, 'SIGKILL');
    await removeServerFiles(host, state);
  };
  try {
    await installServer(host, { id: server.id, state, log, servers: [server], secret });
    await startServer(host, control, server, 60_000);
  } catch (error) {
    await undo();
    throw error;
  }
  return undo;
}
