/** The ZooKeeper server of a coordinator: it must run before the daemon can reach the cluster's state. @module */
import { hasServer, serverControl, serverService } from '../cluster/ensemble/server.ts';
import { readMembership } from '../cluster/membership.ts';
import type { Config } from '../config/schema.ts';
import { errorText } from '../error/error.ts';
import type { FaultBook, FaultReport } from '../fault/fault-book.ts';
import type { Host } from '../host/host.ts';
import { SupervisedService } from '../service/supervise.ts';

type Faults = Pick<FaultBook, 'raise' | 'clear'>;

export interface EarlyServices {
  readonly services: readonly SupervisedService[];
  /** From now on faults can be recorded; those that were raised before are. */
  faults(book: Faults): void;
}

/** Starts looking after this node's server, where it has one; until the signal aborts. */
export async function startEnsembleServer(
  host: Host,
  config: Pick<Config, 'services' | 'directories'>,
  node: string,
  systemd: boolean,
  signal: AbortSignal,
): Promise<EarlyServices | undefined> {
  const { state } = config.directories;
  const known = await readMembership(host, state);
  if (known?.backend !== 'zookeeper' || !(await hasServer(host, state))) return undefined;
  const own = known.servers.find((one) => one.node === node);
  if (own === undefined) return undefined;
  const definition = serverService(host, state, own);
  const control = await serverControl(host, config, definition, systemd);
  const waiting = new Map<string, FaultReport>();
  let book: Faults | undefined;
  const service = new SupervisedService(host, definition, control, {
    raise(id, report) {
      if (book === undefined) waiting.set(id, report);
      else book.raise(id, report);
    },
    clear(id) {
      waiting.delete(id);
      book?.clear(id);
    },
  });
  void service
    .run(signal)
    .catch((error: unknown) => host.log.error('looking after zookeeper ended', { reason: errorText(error) }));
  return {
    services: [service],
    faults(given) {
      book = given;
      for (const [id, report] of waiting) given.raise(id, report);
      waiting.clear();
    },
  };
}
