/**
 * Runs a service without systemd: detached from the daemon, so that it survives it, known by a file
 * with its pid and start time, so that the next daemon adopts it instead of starting a second one.
 * @module
 */
import { z } from 'zod';
import type { Host } from '../host/host.ts';
import { LeftRunning } from './left-running.ts';
import type { ServiceDefinition } from './service.ts';

const record = z.object({ pid: z.int(), startTicks: z.int() });

export interface ProcessControl {
  /** Pid of the running service, if it runs. */
  running(): Promise<number | undefined>;
  start(): Promise<void>;
  /** Asks it to end; not running is fine. */
  stop(): Promise<void>;
}

/** @param left what an earlier life of the daemon has left; one for all services of a daemon, for it costs a look at every process */
export function directControl(
  host: Pick<Host, 'files' | 'processes'>,
  service: ServiceDefinition,
  directories: { run: string; log: string },
  left: LeftRunning = new LeftRunning(host),
): ProcessControl {
  const file = `${directories.run}/services/${service.name}.json`;

  /** The process that was written down, if it lives. */
  async function known(): Promise<number | undefined> {
    const text = await host.files.readText(file);
    if (text === undefined) return undefined;
    let parsed: z.infer<typeof record>;
    try {
      parsed = record.parse(JSON.parse(text));
    } catch {
      // Half a file of a machine that lost power; /run is empty after a boot, so nothing is lost by starting anew.
      return undefined;
    }
    return (await host.processes.alive(parsed.pid, parsed.startTicks)) ? parsed.pid : undefined;
  }

  async function writeDown(pid: number): Promise<boolean> {
    const startTicks = await host.processes.startTicks(pid);
    if (startTicks === undefined) return false;
    await host.files.makeDirectory(`${directories.run}/services`, 0o700);
    await host.files.writeAtomic(file, JSON.stringify({ pid, startTicks }), 0o600);
    return true;
  }

  async function stray(): Promise<number | undefined> {
    const pid = await left.find(service.argv);
    return pid !== undefined && (await writeDown(pid)) ? pid : undefined;
  }

  return {
    running: async () => (await known()) ?? (await stray()),
    async stop() {
      const pid = await this.running();
      if (pid !== undefined) host.processes.kill(pid, 'SIGTERM');
    },
    async start() {
      await host.files.makeDirectory(`${directories.log}/services`, 0o750);
      const pid = await host.processes.detach(service.argv, {
        logFile: `${directories.log}/services/${service.name}.log`,
        ...(service.env === undefined ? {} : { env: service.env }),
      });
      let lives: boolean;
      try {
        lives = await writeDown(pid);
      } catch (error) {
        // Nobody would know of it.
        host.processes.kill(pid, 'SIGTERM');
        throw error;
      }
      if (!lives)
        throw new Error(`${service.argv[0]} ended at once; see ${directories.log}/services/${service.name}.log`);
    },
  };
}

/** The same through systemd. */
export function systemdControl(host: Pick<Host, 'files' | 'processes'>, service: ServiceDefinition): ProcessControl {
  async function systemctl(argv: readonly string[], timeoutMs: number): Promise<string> {
    const done = await host.processes.exec(['systemctl', ...argv], { timeoutMs });
    if (done.code !== 0) throw new Error(`systemctl ${argv.join(' ')}: ${done.stderr.trim() || `exit ${done.code}`}`);
    return done.stdout;
  }

  /** Also for a unit that runs already: after a boot systemd may start it before PVC does. */
  async function settle(env: Readonly<Record<string, string>>): Promise<void> {
    const directory = dropInDirectory(service.unit);
    const [path, text] = [`${directory}/pvc.conf`, dropInText(env)];
    if ((await host.files.readText(path)) !== text) {
      await host.files.makeDirectory(directory, 0o755);
      await host.files.writeAtomic(path, text, 0o644);
    }
    // What systemd goes by, and not what was just written, tells: whoever wrote it may have ended before systemd read it.
    const shown = await systemctl(['show', '--property=Environment', service.unit], 10_000);
    const told = shown
      .trim()
      .replace(/^Environment=/, '')
      .split(' ');
    if (!Object.entries(env).every(([name, value]) => told.includes(`${name}=${value}`)))
      await systemctl(['daemon-reload'], 30_000);
  }
  let isSettled = false;

  return {
    async running() {
      if (!isSettled && service.env !== undefined) await settle(service.env);
      isSettled = true;
      const shown = await systemctl(['show', '--property=ActiveState,MainPID', service.unit], 10_000);
      const pid = Number(/^MainPID=(\d+)$/m.exec(shown)?.[1] ?? '0');
      return /^ActiveState=active$/m.test(shown) && pid > 0 ? pid : undefined;
    },
    async stop() {
      await systemctl(['stop', service.unit], 90_000);
    },
    async start() {
      await systemctl(['start', service.unit], 90_000);
    },
  };
}

/** A template's is for all its instances: systemd.unit(5). */
const dropInDirectory = (unit: string): string => `/etc/systemd/system/${unit.replace(/@.*\.service$/, '@.service')}.d`;

/** @param env words without blanks or quotes, so that nothing is to be quoted: systemd.exec(5), Environment= */
const dropInText = (env: Readonly<Record<string, string>>): string =>
  [
    '# Written by pvc, which starts this service and looks after it.',
    '[Service]',
    ...Object.entries(env).map(([name, value]) => `Environment=${name}=${value}`),
    '',
  ].join('\n');
