/** Adds servers to the ensemble and takes them out, one at a time, each safe to repeat. @module */
import { errorText } from '../../error/error.ts';
import type { Host } from '../../host/host.ts';
import { serverState } from '../../store/zookeeper/four-letters.ts';
import { reconfigure } from '../../store/zookeeper/reconfig.ts';
import type { EnsembleServer } from '../membership.ts';
import { ensembleError } from './errors.ts';
import { memberLine, membersOf } from './zoo-cfg.ts';

export interface EnsembleAccess {
  /** The servers that are members now. */
  readonly servers: readonly EnsembleServer[];
  readonly secret: string;
}

const requestTimeoutMs = 6_000;
const retryMs = 300;
const joinTimeoutMs = 60_000;

const addressesOf = (servers: readonly EnsembleServer[]) =>
  servers.map(({ address, clientPort }) => ({ host: address, port: clientPort }));

/** Makes a server that runs already a voting member. Being one is fine. @throws PvcError ENSEMBLE_REFUSED */
export async function addServer(
  host: Pick<Host, 'clock' | 'log'>,
  access: EnsembleAccess,
  server: EnsembleServer,
): Promise<void> {
  await change(host, access, { joining: [memberLine(server)] }, (text) =>
    membersOf(text).some((one) => one.id === server.id && one.address === server.address),
  );
}

/** Takes a member out; being none is fine. @throws PvcError ENSEMBLE_REFUSED, ENSEMBLE_QUORUM */
export async function removeServer(
  host: Pick<Host, 'clock' | 'log' | 'net'>,
  access: EnsembleAccess,
  id: number,
): Promise<void> {
  const leaving = access.servers.find((one) => one.id === id);
  if (leaving === undefined) return;
  const staying = access.servers.filter((one) => one.id !== id);
  const states = await Promise.all(
    staying.map((one) => serverState(host, { host: one.address, port: one.clientPort }, 2_000)),
  );
  const alive = states.filter((state) => state.role !== 'down').length;
  if (staying.length === 0 || alive * 2 <= staying.length)
    throw ensembleError('ENSEMBLE_QUORUM', {
      server: id,
      node: leaving.node,
      reason: staying.length === 0 ? 'it is the last' : `of the ${staying.length} others ${alive} answer`,
    });
  await change(host, { ...access, servers: staying }, { leaving: [id] }, (text) =>
    membersOf(text).every((one) => one.id !== id),
  );
}

async function change(
  host: Pick<Host, 'clock' | 'log'>,
  { servers, secret }: EnsembleAccess,
  wanted: Parameters<typeof reconfigure>[2],
  done: (text: string) => boolean,
): Promise<void> {
  const untilMs = host.clock.monotonicMs() + joinTimeoutMs;
  for (;;) {
    try {
      const text = await reconfigure(
        host,
        { servers: addressesOf(servers), secret, timeoutMs: requestTimeoutMs },
        wanted,
      );
      if (done(text)) return;
      throw new Error('the new configuration is not as asked');
    } catch (error) {
      // Another change is under way, the new server has not caught up, or the answer was lost: asking again is safe.
      if (host.clock.monotonicMs() >= untilMs)
        throw ensembleError('ENSEMBLE_REFUSED', { reason: errorText(error) }, { cause: error });
      host.log.debug('the ensemble does not take the change yet', { reason: errorText(error) });
      await host.clock.sleep(retryMs);
    }
  }
}
