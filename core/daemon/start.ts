/** The daemon with all that it serves, until it is told to stop. @module */
import { createApp } from '../api/app.ts';
import { createAuthenticate } from '../api/authenticate.ts';
import type { Listener } from '../api/door-server.ts';
import { listenHttps, listenSocket } from '../api/listen.ts';
import { createUpgrade } from '../api/upgrade.ts';
import { claimDaemon } from '../cluster/daemon-record.ts';
import { followEnsemble } from '../cluster/ensemble/follow.ts';
import { readMembership, readSecret } from '../cluster/membership.ts';
import { openStore } from '../cluster/open-store.ts';
import { tlsFiles } from '../cluster/tls-files.ts';
import type { Config } from '../config/schema.ts';
import { errorText, PvcError } from '../error/error.ts';
import type { Host } from '../host/host.ts';
import { createLinuxHost } from '../host/linux.ts';
import { exitProcess, onFatal, processId, systemdRuns } from '../host/process.ts';
import { readableStack } from '../host/stack.ts';
import type { Program } from '../program.ts';
import type { Store } from '../store/store.ts';
import { ZooKeeperStore } from '../store/zookeeper/store.ts';
import { runDaemon } from './daemon.ts';
import type { ApiParts, ApiServer } from './daemon-options.ts';
import { startEnsembleServer } from './early-services.ts';
import { localNodeName } from './identity.ts';
import { createPeers } from './peer-reach.ts';
import { createRemoteNodes, type PeerIdentity } from './remote-nodes.ts';

/** Time between tries to open the HTTPS port while somebody else has it. */
const httpsRetryMs = 5_000;

/** @param onTerminal somebody reads the log: one readable line each; otherwise systemd's journal does. */
export async function startDaemon(program: Program, stop: AbortSignal, onTerminal: boolean): Promise<void> {
  const { config } = program.loaded;
  const systemd = systemdRuns();
  const destination = systemd && !onTerminal ? 'journal' : 'stderr';
  const host = createLinuxHost({ level: config.log.level, destination, pretty: true }, true);
  onFatal((error) => {
    const plugin = program.plugins.blame(error);
    if (plugin !== undefined) {
      program.plugins.trouble({ plugin: plugin.name, where: 'outside of hooks', message: errorText(error) });
      return;
    }
    // Nobody knows what state it left behind; a fresh daemon adopts everything from observation.
    host.log.error(`a fault in the daemon, it ends: ${errorText(error)}`, { stack: readableStack(error) });
    exitProcess(70);
  });
  await claimDaemon(host, config.directories.run, processId());
  const node = await localNodeName(host, config);
  const early = await startEnsembleServer(host, config, node, systemd, stop);
  await runDaemon(
    {
      host,
      program,
      node,
      systemd,
      openStore: (owner) => patientStore(host, config, owner, stop),
      remote: (documents) =>
        createRemoteNodes({
          documents,
          registry: program.registry,
          node,
          port: config.api.port,
          identity: () => peerIdentity(host, config),
        }),
      peers: createPeers({
        net: host.net,
        port: config.api.port,
        async servers() {
          const known = await readMembership(host, config.directories.state);
          return known?.backend === 'zookeeper' ? known.servers : [];
        },
        identity: () => peerIdentity(host, config),
      }),
      ...(early === undefined ? {} : { early }),
      async ensemble() {
        const known = await readMembership(host, config.directories.state);
        const secret = await readSecret(host, config.directories.state);
        return known?.backend === 'zookeeper' && secret !== undefined ? { servers: known.servers, secret } : undefined;
      },
      serve: (parts) => serveApi(parts),
    },
    stop,
  );
}

/** The store as soon as it can be opened: after a power cut the other servers of the ensemble come up at their own pace. */
async function patientStore(host: Host, config: Config, owner: string, stop: AbortSignal): Promise<Store> {
  for (;;) {
    try {
      const store = await openStore(host, config, owner);
      if (store instanceof ZooKeeperStore) void followEnsemble(host, store, config.directories.state, stop);
      return store;
    } catch (error) {
      if (!(error instanceof PvcError) || error.code !== 'STORE_UNAVAILABLE' || stop.aborted) throw error;
      host.log.warn('the state of the cluster cannot be reached yet, trying again', { reason: error.message });
    }
  }
}

/** What this node shows to others; undefined where it has none. */
async function peerIdentity(host: Host, config: Config): Promise<PeerIdentity | undefined> {
  const tls = tlsFiles(config);
  const [cert, key, authority] = await Promise.all(
    [tls.certificate, tls.key, tls.ca].map((path) => host.files.readText(path)),
  );
  return cert === undefined || key === undefined || authority === undefined ? undefined : { cert, key, authority };
}

async function serveApi(parts: ApiParts): Promise<ApiServer> {
  const { host, program, executor, documents, faults, node, metrics, reach } = parts;
  const { config } = program.loaded;
  const { clock, random } = host;
  const log = host.log.child('api');
  const app = createApp({
    executor,
    registry: program.registry,
    authenticate: createAuthenticate({ documents, clock, log }),
    metrics,
    reach,
    authority: () => host.files.readText(tlsFiles(config).ca),
    log,
    version: program.version,
    clock,
    random,
  });
  const door = { app, upgrade: createUpgrade({ app, clock, random, log }), host };
  const socket = await listenSocket({
    ...door,
    path: `${config.directories.run}/pvc.sock`,
    ...(config.api.socketGroup === undefined ? {} : { group: config.api.socketGroup }),
  });
  const closing = new AbortController();
  let https: Listener | undefined;
  const tls = tlsFiles(config);
  const authority = await host.files.readText(tls.ca);
  const fault = `api.https:${node}`;
  const openHttps = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      try {
        https = await listenHttps({
          ...door,
          address: config.api.listen,
          port: config.api.port,
          certFile: tls.certificate,
          keyFile: tls.key,
          ...(authority === undefined ? {} : { authority }),
        });
        faults.clear(fault);
        return;
      } catch (error) {
        if (!(error instanceof PvcError)) throw error;
        // The machine's own socket works; a port that somebody else has must not keep the node from running.
        faults.raise(fault, {
          severity: 'warning',
          message: `The HTTPS API is closed: ${error.message}`,
          hint: error.hint,
          object: `node ${node}`,
        });
      }
      await clock.sleep(httpsRetryMs, closing.signal).catch(() => undefined);
    }
  };
  const opening = config.api.https ? openHttps() : Promise.resolve();
  return {
    async close() {
      closing.abort();
      await opening;
      await Promise.all([socket.close(), https?.close()]);
    },
  };
}
