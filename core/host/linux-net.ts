/** Outgoing connections on Linux. @module */
import { createConnection } from 'node:net';
import type { Clock } from './clock.ts';
import { hostError } from './errors.ts';
import type { Net } from './host.ts';
import { systemReason } from './system-error.ts';

/** Connections from this machine. The time-out covers name look-up and connecting, not the use after that. */
export function linuxNet(clock: Clock): Net {
  return {
    connect(target, timeoutMs) {
      const name = 'path' in target ? target.path : `${target.host}:${target.port}`;
      return new Promise((resolve, reject) => {
        const socket = createConnection(
          'path' in target ? { path: target.path } : { host: target.host, port: target.port },
        );
        const fail = (reason: string, cause?: unknown): void => {
          cancel();
          socket.destroy();
          reject(hostError('CONNECT_FAILED', { target: name, reason }, { cause }));
        };
        const cancel = clock.after(timeoutMs, () => fail(`no answer within ${timeoutMs / 1000} s`));
        const onError = (error: Error): void => fail(systemReason(error), error);
        socket.once('error', onError);
        socket.once('connect', () => {
          cancel();
          socket.off('error', onError);
          resolve(socket);
        });
      });
    },
  };
}
