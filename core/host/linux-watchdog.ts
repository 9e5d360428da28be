/**
 * Hardware watchdogs of Linux: https://docs.kernel.org/watchdog/watchdog-api.html, and what
 * Documentation/ABI/testing/sysfs-class-watchdog says about them.
 * @module
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hostError } from './errors.ts';
import type { ArmedWatchdog, Processes, Watchdogs } from './host.ts';
import { fileError, systemReason } from './system-error.ts';

const commandTimeoutMs = 5_000;
/** What softdog calls itself: a timer of the kernel, which ends with it. */
const software = 'Software Watchdog';
/** After this byte a close ends the counting. */
const magicClose = 'V';

/** @param sysfs where the kernel tells about them; tests give another */
export function linuxWatchdogs(processes: Pick<Processes, 'exec'>, sysfs = '/sys/class/watchdog'): Watchdogs {
  return {
    async arm(device, timeoutS, may) {
      const unusable = (reason: string, cause?: unknown): Error =>
        hostError('WATCHDOG_UNUSABLE', { device, reason }, { cause });
      const name = basename(device);
      // /dev/watchdog is the first one, by its old name.
      const directory = join(sysfs, name === 'watchdog' ? 'watchdog0' : name);
      const tells = async (what: string): Promise<string> => {
        try {
          return (await readFile(join(directory, what), 'utf8')).trim();
        } catch (error) {
          throw unusable(`${join(directory, what)}: ${systemReason(error)}`, error);
        }
      };
      const identity = await tells('identity');
      if (identity === software) throw unusable('softdog is no hardware, and does not reset a kernel that hangs');
      if ((await tells('nowayout')) !== '0') throw unusable('its driver runs with nowayout: it could not be disarmed');
      if (Number(await tells('timeout')) !== timeoutS) {
        // Setting it disarms it for a moment, in which others count on it.
        if ((await tells('state')) === 'active')
          throw unusable(`it counts already, with ${await tells('timeout')} s and not ${timeoutS} s: boot the machine`);
        const set = await processes.exec(['wdctl', '--settimeout', String(timeoutS), device], {
          timeoutMs: commandTimeoutMs,
        });
        const now = await tells('timeout');
        if (Number(now) !== timeoutS)
          throw unusable(
            `it does not take ${timeoutS} s, and has ${now} s: ${set.stderr.trim() || 'wdctl says nothing'}`,
          );
      }
      return open(device, identity, timeoutS, may, unusable);
    },
  };
}

function open(
  device: string,
  identity: string,
  timeoutS: number,
  may: () => boolean,
  unusable: (reason: string, cause: unknown) => Error,
): ArmedWatchdog | undefined {
  if (!may()) return undefined;
  let file: number;
  try {
    file = openSync(device, constants.O_WRONLY);
  } catch (error) {
    const busy = (error as NodeJS.ErrnoException).code === 'EBUSY';
    throw unusable(
      busy ? 'another program has it (systemd: RuntimeWatchdogSec=, or the package watchdog)' : systemReason(error),
      error,
    );
  }
  const write = (text: string): void => {
    try {
      writeSync(file, text);
    } catch (error) {
      throw fileError('write to', device, error);
    }
  };
  return {
    identity,
    timeoutS,
    feed: () => write('.'),
    disarm() {
      write(magicClose);
      closeSync(file);
    },
  };
}
