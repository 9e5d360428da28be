/** The real host: this Linux machine. @module */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Host, Random } from './host.ts';
import { launchedProcesses } from './launcher/launched-processes.ts';
import { linuxClock } from './linux-clock.ts';
import { linuxFiles } from './linux-files.ts';
import { linuxMachine } from './linux-machine.ts';
import { linuxNet } from './linux-net.ts';
import { linuxProcesses } from './linux-processes.ts';
import { linuxWatchdogs } from './linux-watchdog.ts';
import { createLogger, type LoggerOptions } from './log.ts';

/** The kernel's random numbers. */
const linuxRandom: Random = { bytes: (length) => randomBytes(length), uuid: () => randomUUID() };

/**
 * Opens the door to this machine.
 * @param launched a launcher starts commands: for who starts many, and grows large
 */
export function createLinuxHost(log: LoggerOptions, launched = false): Host {
  const direct = linuxProcesses(linuxClock);
  const processes = launched ? launchedProcesses(direct, linuxClock) : direct;
  return {
    clock: linuxClock,
    random: linuxRandom,
    processes,
    files: linuxFiles,
    net: linuxNet(linuxClock),
    machine: linuxMachine,
    watchdogs: linuxWatchdogs(processes),
    log: createLogger(linuxClock, log),
  };
}
