/** The operating system of a node as one life of its daemon has it: everything passes the gate of that life. @module */
import type { Clock } from '../../core/host/clock.ts';
import type { ArmedWatchdog, Files, Host, Machine, Net, Processes, Watchdogs } from '../../core/host/host.ts';
import type { Logger, LogLevel } from '../../core/host/log.ts';
import type { VirtualHost } from '../../core/host/virtual-host.ts';
import type { Chance } from './chance.ts';
import type { Life } from './life.ts';
import { whenAborted } from './sleepers.ts';

export interface LifeHostParts {
  readonly life: Life;
  /** What outlives the daemon: files and processes of the machine. */
  readonly machine: VirtualHost<Clock>;
  /** The clock of the machine, as any process there reads it. */
  readonly clock: Clock;
  readonly random: Chance;
  readonly tell: (level: LogLevel, component: string, message: string, fields: object | undefined) => void;
}

export function lifeHost({ life, machine, clock, random, tell }: LifeHostParts): Host {
  return {
    clock: lifeClock(life, clock),
    random,
    processes: lifeProcesses(life, machine.processes),
    files: lifeFiles(life, machine.files),
    net: lifeNet(life, machine.net),
    machine: lifeMachine(life, machine.machine),
    watchdogs: lifeWatchdogs(life, machine.watchdogs),
    log: lifeLog(life, tell, '', undefined),
  };
}

/** Timers that are due while the daemon stands still fire when it goes on; of those of a dead one it does not hear. */
function lifeClock(life: Life, clock: Clock): Clock {
  const after: Clock['after'] = (ms, fn) => {
    if (life.ended) return () => {};
    let due = true;
    const cancel = clock.after(ms, () =>
      life.hear(() => {
        if (due) fn();
      }),
    );
    return () => {
      due = false;
      cancel();
    };
  };
  return {
    monotonicMs: () => clock.monotonicMs(),
    wallMs: () => clock.wallMs(),
    after,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const cancel = after(ms, () => {
          awake?.();
          resolve();
        });
        const awake =
          signal &&
          whenAborted(signal, () => {
            cancel();
            reject(signal.reason as Error);
          });
      }),
  };
}

function lifeProcesses(life: Life, processes: Processes): Processes {
  return {
    exec: (argv, options) => life.call(`exec.${argv[0]}`, () => processes.exec(argv, options)),
    detach: (argv, options) => life.call(`exec.${argv[0]}`, () => processes.detach(argv, options)),
    alive: (pid, startTicks) => life.call('processes.alive', () => processes.alive(pid, startTicks)),
    startTicks: (pid) => life.call('processes.startTicks', () => processes.startTicks(pid)),
    kill: (pid, signal) => !life.ended && processes.kill(pid, signal),
  };
}

function lifeFiles(life: Life, files: Files): Files {
  const through =
    <A extends readonly unknown[], R>(name: keyof Files, run: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      life.call(`files.${name}`, () => run(...args));
  return {
    readText: through('readText', (path: string) => files.readText(path)),
    readBytes: through('readBytes', (path: string) => files.readBytes(path)),
    readSlice: through('readSlice', (path: string, offset: number, length: number) =>
      files.readSlice(path, offset, length),
    ),
    writeAtomic: through('writeAtomic', (path: string, data: string | Uint8Array, mode?: number) =>
      files.writeAtomic(path, data, mode),
    ),
    openRead: through('openRead', (path: string) => files.openRead(path)),
    createBeside: through('createBeside', (path: string, mode?: number) => files.createBeside(path, mode)),
    append: through('append', (path: string, data: string, mode?: number) => files.append(path, data, mode)),
    makeDirectory: through('makeDirectory', (path: string, mode?: number) => files.makeDirectory(path, mode)),
    list: through('list', (path: string) => files.list(path)),
    stat: through('stat', (path: string) => files.stat(path)),
    realPath: through('realPath', (path: string) => files.realPath(path)),
    space: through('space', (path: string) => files.space(path)),
    remove: through('remove', (path: string) => files.remove(path)),
    rename: through('rename', (from: string, to: string) => files.rename(from, to)),
    watch: through('watch', (directory: string, changed: () => void, signal: AbortSignal) =>
      files.watch(directory, changed, signal),
    ),
    setAccess: through('setAccess', (path: string, mode: number, gid?: number) => files.setAccess(path, mode, gid)),
  };
}

const lifeNet = (life: Life, net: Net): Net => ({
  connect: (target, timeoutMs) => life.call('net.connect', () => net.connect(target, timeoutMs)),
});

const lifeMachine = (life: Life, machine: Machine): Machine => ({
  facts: () => life.call('machine.facts', () => machine.facts()),
  load: () => life.call('machine.load', () => machine.load()),
});

/** A daemon that is dead, or stands still, writes nothing to the device. */
const lifeWatchdogs = (life: Life, watchdogs: Watchdogs): Watchdogs => ({
  async arm(device, timeoutS, may) {
    const writes = (): boolean => !life.ended && !life.paused;
    const armed = await life.call('watchdog.arm', () => watchdogs.arm(device, timeoutS, () => writes() && may()));
    if (armed === undefined) return undefined;
    const through = (write: () => void) => (): void => {
      if (writes()) write();
    };
    return {
      ...armed,
      feed: through(() => armed.feed()),
      disarm: through(() => armed.disarm()),
    } satisfies ArmedWatchdog;
  },
});

function lifeLog(life: Life, tell: LifeHostParts['tell'], component: string, common: object | undefined): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: object): void => {
      if (!life.ended) tell(level, component, message, common === undefined ? fields : { ...common, ...fields });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (name, fields) => lifeLog(life, tell, name, fields === undefined ? common : { ...common, ...fields }),
  };
}
