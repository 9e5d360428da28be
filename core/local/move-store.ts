/**
 * Moves the state of a one-node cluster from the embedded store to ZooKeeper. Until `membership.json` says otherwise
 * the embedded store is in force: whatever cuts this off, it can be begun again, and nothing is lost.
 * @module
 */

import { runningDaemon } from '../cluster/daemon-record.ts';
import { installServer, serverControl, serverService, startServer } from '../cluster/ensemble/server.ts';
import { ports } from '../cluster/ensemble/zoo-cfg.ts';
import { readMembership, readSecret, writeMembership, writeSecret } from '../cluster/membership.ts';
import { openEnsemble, openStore, sqlitePath } from '../cluster/open-store.ts';
import { checkFloating, ownAddress } from '../cluster/own-address.ts';
import { clear, copyError, movable, verify, writeEntries } from '../cluster/state-copy.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import { localNodeName } from '../daemon/identity.ts';
import type { Host } from '../host/host.ts';
import { machineAddresses } from '../host/machine-addresses.ts';
import { systemdRuns } from '../host/process.ts';
import { cluster, clusterError, clusterId } from '../model/cluster-kind.ts';
import { node } from '../model/node-kind.ts';
import type { Program } from '../program.ts';
import { Documents } from '../store/documents.ts';
import { ensureIndex } from '../store/reindex.ts';
import { task, taskEnded } from '../task/task-kind.ts';

export interface MoveStoreRequest {
  readonly clusterNetwork: string;
  readonly address?: string | undefined;
  readonly floating?: string | undefined;
  /** Only say what would be done. */
  readonly plan: boolean;
}

export interface MovedStore {
  readonly cluster: string;
  readonly entries: number;
  readonly address: string;
  /** Where the embedded store is kept from now on; null in a plan. */
  readonly kept: string | null;
}

/** @throws PvcError COPY_NOT_SAFE with every reason, COPY_DIFFERS, ZOOKEEPER_MISSING … */
export async function moveStore(host: Host, program: Program, request: MoveStoreRequest): Promise<MovedStore> {
  const { config } = program.loaded;
  const { state, log } = config.directories;
  const reasons: string[] = [];
  const refuse = (): never => {
    throw copyError('COPY_NOT_SAFE', { what: 'moved' }, { details: reasons });
  };
  const pid = await runningDaemon(host, config.directories.run);
  if (pid !== undefined) reasons.push(`the daemon runs (pid ${pid}); stop it, guests run on: systemctl stop pvcd`);
  const known = await readMembership(host, state);
  if (known?.backend === 'zookeeper') reasons.push('it is in ZooKeeper already');
  if (config.store.backend === 'sqlite') reasons.push('pvc.yaml says store.backend: sqlite; take that line out');
  const path = sqlitePath(config);
  if ((await host.files.stat(path)) === undefined) reasons.push(`there is no store at ${path}`);
  if (reasons.length > 0) refuse();

  const name = await localNodeName(host, config);
  const address = ownAddress(request.clusterNetwork, machineAddresses(), request.address, request.floating);
  if (request.floating !== undefined) checkFloating(request.clusterNetwork, request.floating, [address]);
  const source = await openStore(host, config, 'move-store');
  try {
    const documents = new Documents(source);
    const made = await documents.get(cluster, clusterId);
    if (made === undefined) throw clusterError('CLUSTER_NOT_INITIALISED', { path });
    await ensureIndex(documents, program.kinds);
    for (const one of await documents.list(task))
      if (!taskEnded(one.status)) reasons.push(`the task ${one.id} (${one.spec.action}) has not ended`);
    for (const one of await documents.list(node)) if (one.id !== name) reasons.push(`it has another node, ${one.id}`);
    if (documents.unreadable.size > 0) reasons.push(`${documents.unreadable.size} objects cannot be understood`);
    if (reasons.length > 0) refuse();
    const entries = movable(await source.list('/'));
    if (request.plan) return { cluster: made.spec.name, entries: entries.length, address, kept: null };

    // The secret of a try that was cut off opens what that try has begun.
    const secret = (await readSecret(host, state)) ?? Buffer.from(host.random.bytes(32)).toString('base64url');
    await writeSecret(host, state, secret);
    const server = { id: 1, node: name, address, clientPort: ports.client };
    await installServer(host, { id: 1, state, log, servers: [server], secret });
    const control = await serverControl(host, config, serverService(host, state, server), systemdRuns());
    await startServer(host, control, server, 60_000);
    const target = await openEnsemble(host, [server], secret, 'move-store');
    try {
      await clear(target);
      await writeEntries(target, entries);
      await verify(target, entries);
      await enlarge(host, new Documents(target), program, { name, address, request });
    } finally {
      await target.close();
    }
    await writeMembership(host, state, { backend: 'zookeeper', cluster: made.spec.name, servers: [server] });
    const kept = `${path}.moved-${new Date(host.clock.wallMs()).toISOString().replace(/[:.]/g, '-')}`;
    await source.close();
    for (const end of ['', '-wal', '-shm'])
      if ((await host.files.stat(`${path}${end}`)) !== undefined)
        await host.files.rename(`${path}${end}`, `${kept}${end}`);
    return { cluster: made.spec.name, entries: entries.length, address, kept };
  } finally {
    await source.close();
  }
}

/** What a cluster that can have several nodes knows of itself besides. */
async function enlarge(
  host: Host,
  documents: Documents,
  program: Program,
  { name, address, request }: { name: string; address: string; request: MoveStoreRequest },
): Promise<void> {
  const authority = await host.files.readText(tlsFiles(program.loaded.config).ca);
  const made = await documents.need(cluster, clusterId);
  const own = await documents.need(node, name);
  const network = {
    cidr: request.clusterNetwork,
    ...(request.floating === undefined ? {} : { floating: request.floating }),
  };
  const { ops, topics } = documents.commitOf([
    {
      do: 'spec',
      kind: cluster,
      before: made,
      spec: {
        ...made.spec,
        networks: { cluster: network },
        ...(authority === undefined ? {} : { authority }),
      },
    },
    { do: 'spec', kind: node, before: own, spec: { ...own.spec, role: 'coordinator', address, server: 1 } },
  ]);
  const result = await documents.store.commit(ops, topics);
  if (result.outcome !== 'ok') throw copyError('COPY_DIFFERS', { reason: 'the cluster network could not be added' });
}
