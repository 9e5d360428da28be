/**
 * Makes a new cluster of one node, on the embedded store or on a ZooKeeper ensemble of one: its state, its certificate authority, this node's certificate and
 * the first administrator's token. A failure leaves nothing behind.
 * @module
 */

import { fingerprint } from '../cluster/certificate.ts';
import { runningDaemon } from '../cluster/daemon-record.ts';
import {
  hasServer,
  installServer,
  removeServerFiles,
  serverControl,
  serverService,
  startServer,
} from '../cluster/ensemble/server.ts';
import { type EnsembleServer, readMembership, writeMembership, writeSecret } from '../cluster/membership.ts';
import { openEnsemble, openStore, sqlitePath } from '../cluster/open-store.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import type { Host } from '../host/host.ts';
import { systemdRuns } from '../host/process.ts';
import { cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import { type PlanAnswer, planAnswer } from '../operation/execute.ts';
import type { Program } from '../program.ts';
import { Documents } from '../store/documents.ts';
import { type Store, storeError } from '../store/store.ts';
import { type ClusterPlan, type InitRequest, planCluster } from './init-plan.ts';

export interface MadeCluster {
  readonly cluster: string;
  readonly node: string;
  readonly token: string;
  readonly fingerprint: string;
  readonly port: number;
  readonly store: 'sqlite' | 'zookeeper';
  /** For `--coordinators`: one for each of the others. */
  readonly joinTokens: readonly string[];
  /** What the daemon will do once it runs, in sentences. */
  readonly actions: readonly string[];
}

/** What `initCluster` would make. @throws PvcError as that does, when it looks and plans */
export async function planInit(host: Host, program: Program, request: InitRequest): Promise<PlanAnswer> {
  await refuseExisting(host, program, request);
  const { builder, node } = await planCluster(host, program, request);
  return planAnswer('cluster.init', builder, { cluster: request.name, node, store: request.store });
}

/** @throws PvcError CLUSTER_EXISTS, DAEMON_RUNNING, those of `planCluster`, and what the store and the files say */
export async function initCluster(host: Host, program: Program, request: InitRequest): Promise<MadeCluster> {
  const { name, store } = request;
  const { config } = program.loaded;
  await refuseExisting(host, program, request);
  const plan = await planCluster(host, program, request);
  await makeCluster(host, program, name, plan);
  const { node, token, joinTokens, builder, certificate } = plan;
  return {
    cluster: name,
    node,
    token,
    fingerprint: fingerprint(certificate.cert),
    port: config.api.port,
    store,
    joinTokens,
    actions: builder.actions,
  };
}

/** @throws PvcError CLUSTER_EXISTS, DAEMON_RUNNING */
async function refuseExisting(host: Host, program: Program, request: InitRequest): Promise<void> {
  const { config } = program.loaded;
  const { state, run } = config.directories;
  const pid = await runningDaemon(host, run);
  if (pid !== undefined) throw clusterError('DAEMON_RUNNING', { pid });
  const known = await readMembership(host, state);
  if (known !== undefined) throw clusterError('CLUSTER_EXISTS', { name: known.cluster, path: state });
  if (request.store === 'zookeeper' && (await hasServer(host, state)))
    throw clusterError('CLUSTER_EXISTS', { name: 'in ZooKeeper', path: state });
  const path = sqlitePath(config);
  if ((await host.files.stat(path)) === undefined) return;
  // A cluster on the embedded store is moved, not made anew beside it.
  if (request.store === 'zookeeper') throw clusterError('CLUSTER_EXISTS', { name: 'on the embedded store', path });
  const store = await openStore(host, config, 'init');
  try {
    const existing = await new Documents(store).get(cluster, clusterId);
    if (existing !== undefined) throw clusterError('CLUSTER_EXISTS', { name: existing.spec.name, path });
  } finally {
    await store.close();
  }
}

/** Makes what is planned; what it made until a failure is undone. */
async function makeCluster(host: Host, program: Program, name: string, plan: ClusterPlan): Promise<void> {
  const { config } = program.loaded;
  const { state } = config.directories;
  const { server } = plan;
  const path = sqlitePath(config);
  const fresh = (await host.files.stat(path)) === undefined;
  const secret = Buffer.from(host.random.bytes(32)).toString('base64url');
  let undo = async (): Promise<void> => {};
  let store: Store;
  if (server === undefined) store = await openStore(host, config, 'init');
  else {
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
    await writeCertificates(host, program, plan);
    const { ops, topics } = new Documents(store).commitOf([...plan.builder.writes, plan.record]);
    const committed = await store.commit(ops, topics);
    if (committed.outcome === 'unknown')
      throw storeError('STORE_UNKNOWN', { what: 'making the cluster' }, { cause: committed.cause });
    if (committed.outcome === 'conflict') throw clusterError('CLUSTER_EXISTS', { name, path });
    if (server !== undefined) {
      await writeSecret(host, state, secret);
      await writeMembership(host, state, { backend: 'zookeeper', cluster: name, servers: [server] });
    }
    done = true;
  } finally {
    await store.close();
    // A file that was there before is never removed.
    if (!done) await undo();
    if (!done && fresh) for (const file of [path, `${path}-wal`, `${path}-shm`]) await host.files.remove(file);
  }
}

async function writeCertificates(host: Host, program: Program, { ca, certificate }: ClusterPlan): Promise<void> {
  const tls = tlsFiles(program.loaded.config);
  await host.files.makeDirectory(tls.directory, 0o700);
  await host.files.writeAtomic(tls.caKey, ca.key, 0o600);
  await host.files.writeAtomic(tls.ca, ca.cert, 0o644);
  await host.files.writeAtomic(tls.key, certificate.key, 0o600);
  await host.files.writeAtomic(tls.certificate, certificate.cert, 0o644);
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
