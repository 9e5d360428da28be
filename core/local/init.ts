/**
 * Makes a new cluster of one node: its state, its certificate authority, this node's certificate and
 * the first administrator's token. A failure leaves nothing behind.
 * @module
 */
import { fingerprint, makeCa, makeNodeCertificate } from '../api/certificate.ts';
import { cluster, clusterError, clusterId } from '../cluster/cluster-kind.ts';
import { runningDaemon } from '../cluster/daemon-record.ts';
import { openStore, sqlitePath } from '../cluster/open-store.ts';
import { makeToken } from '../cluster/token.ts';
import { token as tokenKind } from '../cluster/token-kind.ts';
import { localNodeName, tlsFiles } from '../daemon/identity.ts';
import type { Host } from '../host/host.ts';
import { machineAddresses } from '../host/machine-addresses.ts';
import { sortableId } from '../model/ids.ts';
import { node } from '../model/node-kind.ts';
import { audit } from '../operation/audit.ts';
import type { Program } from '../program.ts';
import { commitOf, Documents } from '../store/documents.ts';
import { storeError } from '../store/store.ts';

export interface MadeCluster {
  readonly cluster: string;
  readonly node: string;
  readonly token: string;
  readonly fingerprint: string;
  readonly port: number;
}

/** @throws PvcError CLUSTER_EXISTS, DAEMON_RUNNING, and what the store and the files say */
export async function initCluster(host: Host, program: Program, name: string): Promise<MadeCluster> {
  const { config } = program.loaded;
  const pid = await runningDaemon(host, config.directories.run);
  if (pid !== undefined) throw clusterError('DAEMON_RUNNING', { pid });
  const nodeName = await localNodeName(host, config);
  const path = sqlitePath(config);
  const fresh = (await host.files.stat(path)) === undefined;
  const tls = tlsFiles(config);
  const nowMs = host.clock.wallMs();
  const store = await openStore(host, config, 'init');
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
    const request = sortableId(nowMs, host.random.bytes(7));
    const { ops, topics } = commitOf([
      { do: 'create', kind: cluster, id: clusterId, spec: { name, createdMs: nowMs, maintenance: false } },
      { do: 'create', kind: node, id: nodeName, spec: { role: 'coordinator', domainState: 'ready' } },
      { do: 'create', kind: tokenKind, id: made.id, spec: made.spec },
      {
        do: 'create',
        kind: audit,
        id: request,
        spec: {
          atMs: nowMs,
          actor: 'root',
          role: 'admin',
          via: 'store',
          operation: 'cluster.init',
          input: { name },
          changes: [`cluster ${name} created`, `node ${nodeName} created`, 'token admin created'],
          tasks: [],
        },
      },
    ]);
    const committed = await store.commit(ops, topics);
    if (committed.outcome === 'unknown')
      throw storeError('STORE_UNKNOWN', { what: 'making the cluster' }, { cause: committed.cause });
    if (committed.outcome === 'conflict') throw clusterError('CLUSTER_EXISTS', { name, path });
    done = true;
    return {
      cluster: name,
      node: nodeName,
      token: made.text,
      fingerprint: fingerprint(own.cert),
      port: config.api.port,
    };
  } finally {
    await store.close();
    // A file that was there before is never removed.
    if (!done && fresh) for (const file of [path, `${path}-wal`, `${path}-shm`]) await host.files.remove(file);
  }
}
