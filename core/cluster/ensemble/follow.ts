/** Keeps what this node knows of the ensemble's servers in step with what the ensemble itself says. @module */
import { errorText } from '../../error/error.ts';
import type { Host } from '../../host/host.ts';
import { node } from '../../model/node-kind.ts';
import { Documents } from '../../store/documents.ts';
import type { ZooKeeperStore } from '../../store/zookeeper/store.ts';
import { type EnsembleServer, readMembership, writeMembership } from '../membership.ts';
import { membersOf } from './zoo-cfg.ts';

const lookEveryMs = 5_000;

/** Runs until the signal aborts. */
export async function followEnsemble(
  host: Pick<Host, 'clock' | 'files' | 'log'>,
  store: ZooKeeperStore,
  state: string,
  signal: AbortSignal,
): Promise<void> {
  const documents = new Documents(store);
  while (!signal.aborted) {
    try {
      const text = await store.ensembleText();
      const known = await readMembership(host, state);
      if (text !== undefined && known?.backend === 'zookeeper') {
        const servers = namedServers(membersOf(text), known.servers, await addressBook(documents));
        if (servers.length > 0 && JSON.stringify(servers) !== JSON.stringify(known.servers)) {
          await writeMembership(host, state, { ...known, servers });
          store.setServers(servers.map(({ address, clientPort }) => ({ host: address, port: clientPort })));
          host.log.info('the ensemble has changed', { servers: servers.map((one) => one.node) });
        }
      }
    } catch (error) {
      // Away for a moment, or for longer: what is known stands until it answers.
      host.log.debug('the ensemble could not be looked at', { reason: errorText(error) });
    }
    await host.clock.sleep(lookEveryMs, signal).catch(() => undefined);
  }
}

const addressBook = async (documents: Documents): Promise<ReadonlyMap<string, string>> =>
  new Map(
    (await documents.list(node)).flatMap((one) => (one.spec.address === undefined ? [] : [[one.spec.address, one.id]])),
  );

/** The ensemble's own list says numbers and addresses; whose they are is told by the nodes. Pure. */
export function namedServers(
  members: readonly Omit<EnsembleServer, 'node'>[],
  known: readonly EnsembleServer[],
  nodes: ReadonlyMap<string, string>,
): EnsembleServer[] {
  return members
    .flatMap((one) => {
      const name = nodes.get(one.address) ?? known.find((before) => before.address === one.address)?.node;
      return name === undefined ? [] : [{ ...one, node: name }];
    })
    .map(({ id, node: name, address, clientPort }) => ({ id, node: name, address, clientPort }))
    .sort((a, b) => a.id - b.id);
}
