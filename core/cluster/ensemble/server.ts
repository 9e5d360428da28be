/** The ZooKeeper server of this node: its files, and how it is started and kept running. @module */
import type { Config } from '../../config/schema.ts';
import type { Host } from '../../host/host.ts';
import { directControl, type ProcessControl, systemdControl } from '../../service/direct.ts';
import type { ServiceDefinition } from '../../service/service.ts';
import { serverState } from '../../store/zookeeper/four-letters.ts';
import type { EnsembleServer } from '../membership.ts';
import { ensembleError } from './errors.ts';
import { directoryOf, type ServerPlan, serverArgv, serverFiles } from './zoo-cfg.ts';

const askTimeoutMs = 2_000;
const jar = '/usr/share/java/zookeeper.jar';
const unit = 'pvc-zookeeper.service';

/** Lays the server's files down; what ZooKeeper itself keeps is not touched once it is there. @throws PvcError ZOOKEEPER_MISSING */
export async function installServer(host: Pick<Host, 'files'>, plan: ServerPlan): Promise<void> {
  for (const needed of [jar, '/usr/bin/java'])
    if ((await host.files.stat(needed)) === undefined) throw ensembleError('ZOOKEEPER_MISSING', { path: needed });
  await host.files.makeDirectory(`${directoryOf(plan.state)}/data`, 0o700);
  await host.files.makeDirectory(plan.log, 0o750);
  for (const { path, text, mode, once } of serverFiles(plan)) {
    if (once === true && (await host.files.stat(path)) !== undefined) continue;
    await host.files.writeAtomic(path, text, mode);
  }
}

/** Whether a server has been made on this node. */
export const hasServer = async (host: Pick<Host, 'files'>, state: string): Promise<boolean> =>
  (await host.files.stat(`${directoryOf(state)}/zoo.cfg`)) !== undefined;

export const removeServerFiles = (host: Pick<Host, 'files'>, state: string): Promise<void> =>
  host.files.remove(directoryOf(state));

export function serverService(
  host: Pick<Host, 'net' | 'clock'>,
  state: string,
  server: Pick<EnsembleServer, 'address' | 'clientPort'>,
): ServiceDefinition {
  return {
    name: 'zookeeper',
    unit,
    argv: serverArgv(state),
    readyTimeoutMs: 30_000,
    // A server that only lacks its peers answers too: to start it again would not help.
    async ready() {
      const found = await serverState(host, { host: server.address, port: server.clientPort }, askTimeoutMs);
      return found.role !== 'down';
    },
  };
}

/** systemd where it runs, else PVC itself. */
export async function serverControl(
  host: Host,
  config: Pick<Config, 'services' | 'directories'>,
  definition: ServiceDefinition,
  systemd: boolean,
): Promise<ProcessControl> {
  const bySystemd = config.services.supervisor === 'systemd' || (config.services.supervisor === 'auto' && systemd);
  if (!bySystemd) return directControl(host, definition, config.directories);
  const path = `/etc/systemd/system/${unit}`;
  const text = unitText(definition.argv);
  if ((await host.files.readText(path)) !== text) {
    await host.files.writeAtomic(path, text, 0o644);
    await host.processes.exec(['systemctl', 'daemon-reload'], { timeoutMs: 30_000 });
  }
  return systemdControl(host, definition);
}

const unitText = (argv: readonly string[]): string =>
  [
    '# Written by pvc: the daemon starts this server and looks after it.',
    '[Unit]',
    'Description=ZooKeeper of the PVC cluster',
    'After=network.target',
    '',
    '[Service]',
    `ExecStart=${argv.join(' ')}`,
    'Restart=on-failure',
    'LimitNOFILE=65536',
    '',
  ].join('\n');

/** Starts the server unless it runs, and waits until it serves. @throws PvcError ZOOKEEPER_SILENT */
export async function startServer(
  host: Pick<Host, 'net' | 'clock'>,
  control: ProcessControl,
  server: Pick<EnsembleServer, 'address' | 'clientPort'>,
  withinMs: number,
): Promise<void> {
  if ((await control.running()) === undefined) await control.start();
  const untilMs = host.clock.monotonicMs() + withinMs;
  for (;;) {
    const found = await serverState(host, { host: server.address, port: server.clientPort }, askTimeoutMs);
    if (found.role === 'leader' || found.role === 'follower') return;
    if (host.clock.monotonicMs() >= untilMs || (await control.running()) === undefined)
      throw ensembleError('ZOOKEEPER_SILENT', { address: server.address, reason: found.reason });
    await host.clock.sleep(100);
  }
}
