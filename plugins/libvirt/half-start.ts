/**
 * Guests that libvirt starts for ever. libvirtd writes down a guest that it starts, with `pid='0'`, before it has a process
 * for it. The next one, after that libvirtd was killed, reads the record and takes the guest for one that starts up, though
 * nobody starts it: without a pid it looks no further (`qemuProcessReconnectHelper` of its qemu_process.c, 9.0), and with
 * the dead one's job still written down every destroy ends in a time-out. Only a libvirtd that has never read the record is
 * free of it.
 * @module
 */
import type { Host } from '../../core/plugin/api.ts';
import type { GuestDriver, OpenDriver } from './guest-driver.ts';
import { vmError } from './vm-kind.ts';

/** Where libvirtd of the system keeps what runs, and its own pid since it started. */
const recordOf = (name: string): string => `/run/libvirt/qemu/${name}.xml`;
const pidFile = '/run/libvirtd.pid';

/** QEMU is let go only after the record has its pid, so this one has never run (`qemuProcessLaunch`). */
const withoutProcess = /^<domstatus state='paused' reason='starting up' pid='0'>$/m;

/** Names of guests whose start died with an earlier libvirtd. */
async function halfStarted(
  files: Pick<Host['files'], 'readText' | 'stat'>,
  driver: Pick<GuestDriver, 'listDomains'>,
): Promise<string[]> {
  const starting = (await driver.listDomains()).filter(({ id, reason }) => id !== -1 && reason === 'starting-up');
  if (starting.length === 0) return [];
  const beganMs = (await files.stat(pidFile))?.mtimeMs;
  const found: string[] = [];
  for (const { name } of starting) {
    const writtenMs = (await files.stat(recordOf(name)))?.mtimeMs;
    // Written by this libvirtd: it starts the guest right now.
    if (beganMs === undefined || writtenMs === undefined || writtenMs >= beganMs) continue;
    if (withoutProcess.test((await files.readText(recordOf(name))) ?? '')) found.push(name);
  }
  return found;
}

/**
 * Opens only a libvirtd that is free of them; else it is started again without their records.
 * @param restart ends libvirtd, which is then started again; undefined where that is not PVC's to do
 */
export function withoutHalfStarts(open: OpenDriver, restart: (() => Promise<void>) | undefined): OpenDriver {
  return async (host, config) => {
    const driver = await open(host, config);
    try {
      const names = await halfStarted(host.files, driver);
      if (names.length === 0) return driver;
      host.log.warn('libvirtd was killed while it started guests, and takes them for running', { guests: names });
      // The records go last: as long as they are there, whoever is killed here is followed by one who finds them.
      await restart?.();
      if (restart !== undefined) for (const name of names) await host.files.remove(recordOf(name));
      throw vmError('LIBVIRT_HALF_START', { guests: names.join(', '), records: names.map(recordOf).join(' ') });
    } catch (error) {
      await driver.close();
      throw error;
    }
  };
}
