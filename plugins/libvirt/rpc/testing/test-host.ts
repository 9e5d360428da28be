/**
 * The part of `Host` that the libvirt connection needs, on the real machine, for tests.
 * @module
 */
import { connect } from 'node:net';
import type { Host } from '../../../../core/host/host.ts';
import type { Logger } from '../../../../core/host/log.ts';

export type TestHost = Pick<Host, 'net' | 'clock' | 'log'> & { readonly lines: string[] };

/** Real sockets and time; log lines are kept in `lines`. */
export function testHost(): TestHost {
  const lines: string[] = [];
  const line = (level: string) => (message: string, fields?: object) => {
    lines.push(`${level} ${message}${fields === undefined ? '' : ` ${JSON.stringify(fields)}`}`);
  };
  const log: Logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error'), child: () => log };
  return {
    lines,
    log,
    clock: {
      monotonicMs: () => performance.now(),
      wallMs: () => Date.now(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const timer = setTimeout(resolve, ms);
          signal?.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason as Error);
          });
        }),
      after: (ms, fn) => {
        const timer = setTimeout(fn, ms);
        return () => clearTimeout(timer);
      },
    },
    net: {
      connect: (target) =>
        new Promise((resolve, reject) => {
          const socket = connect('path' in target ? { path: target.path } : target);
          socket.once('error', reject);
          socket.once('connect', () => {
            socket.off('error', reject);
            resolve(socket);
          });
        }),
    },
  };
}
