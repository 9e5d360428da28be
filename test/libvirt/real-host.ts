/**
 * The part of `Host` that the libvirt connection needs, on the real machine.
 * @module
 */
import type { Host } from '../../core/host/host.ts';
import { linuxClock } from '../../core/host/linux-clock.ts';
import { linuxNet } from '../../core/host/linux-net.ts';
import type { Logger } from '../../core/host/log.ts';

/** A logger that adds its lines to `lines`. */
export function keptLog(lines: string[]): Logger {
  const at =
    (level: string) =>
    (message: string, fields?: object): void => {
      lines.push(`${level} ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`);
    };
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return log;
}

/** Real sockets and time; what is logged is kept in `logged`. */
export function realHost(logged: string[] = []): Pick<Host, 'net' | 'clock' | 'log'> {
  return { clock: linuxClock, net: linuxNet(linuxClock), log: keptLog(logged) };
}
