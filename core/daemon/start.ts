/** The daemon with all that it serves, until it is told to stop. @module */
import { createApp } from '../api/app.ts';
import { createAuthenticate } from '../api/authenticate.ts';
import type { Listener } from '../api/door-server.ts';
import { listenHttps, listenSocket } from '../api/listen.ts';
import { createUpgrade } from '../api/upgrade.ts';
import { claimDaemon } from '../cluster/daemon-record.ts';
import { openStore } from '../cluster/open-store.ts';
import { errorText, PvcError } from '../error/error.ts';
import { createLinuxHost } from '../host/linux.ts';
import { exitProcess, onFatal, processId, systemdRuns } from '../host/process.ts';
import { readableStack } from '../host/stack.ts';
import type { Program } from '../program.ts';
import { type ApiParts, type ApiServer, runDaemon } from './daemon.ts';
import { localNodeName, tlsFiles } from './identity.ts';

/** Time between tries to open the HTTPS port while somebody else has it. */
const httpsRetryMs = 5_000;

/** @param onTerminal somebody reads the log: one readable line each; otherwise systemd's journal does. */
export async function startDaemon(program: Program, stop: AbortSignal, onTerminal: boolean): Promise<void> {
  const { config } = program.loaded;
  const systemd = systemdRuns();
  const host = createLinuxHost({
    level: config.log.level,
    destination: systemd && !onTerminal ? 'journal' : 'stderr',
    pretty: true,
  });
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
  await runDaemon(
    {
      host,
      program,
      node,
      systemd,
      openStore: (owner) => openStore(host, config, owner),
      serve: (parts) => serveApi(parts),
    },
    stop,
  );
}

async function serveApi(parts: ApiParts): Promise<ApiServer> {
  const { host, program, executor, documents, faults, node, metrics } = parts;
  const { config } = program.loaded;
  const { clock, random } = host;
  const log = host.log.child('api');
  const app = createApp({
    executor,
    registry: program.registry,
    authenticate: createAuthenticate({ documents, clock, log }),
    metrics,
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
