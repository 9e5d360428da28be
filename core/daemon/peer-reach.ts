/**
 * Asks the other coordinators over their API whether they reach the store. Everything that it takes is on this machine:
 * who they are in STATE/membership.json, and this node's certificate.
 * @module
 */
import { agentOf } from '../client/connection.ts';
import { AskFailed, ask, textOf } from '../client/exchange.ts';
import { addressOf } from '../client/target.ts';
import type { Door } from '../cluster/fence/silence.ts';
import type { Peers } from '../cluster/isolation/ask-coordinators.ts';
import { reach } from '../cluster/isolation/finding.ts';
import type { EnsembleServer } from '../cluster/membership.ts';
import { PvcError } from '../error/error.ts';
import type { Net } from '../host/host.ts';
import type { PeerIdentity } from './remote-nodes.ts';

/** Where a daemon tells the nodes of its cluster whether it reaches the store. */
export const reachPath = '/reach';

/** Nobody listens there, or the connection was dropped: somebody had to say so. */
const saidNo = new Set(['ECONNREFUSED', 'ECONNRESET']);

export interface PeerReachParts {
  readonly net: Net;
  readonly port: number;
  /** Every server of the ensemble; none where there is no ensemble. */
  readonly servers: () => Promise<readonly Pick<EnsembleServer, 'node' | 'address'>[]>;
  readonly identity: () => Promise<PeerIdentity | undefined>;
}

export function createPeers({ net, port, servers, identity }: PeerReachParts): Peers & Door {
  return {
    list: servers,
    async answers({ address: host }, withinMs) {
      try {
        (await net.connect({ host, port }, withinMs)).destroy();
        return true;
      } catch (error) {
        const cause = error instanceof PvcError ? error.cause : error;
        return saidNo.has((cause as { readonly code?: string } | undefined)?.code ?? '');
      }
    },
    async ask(peer, signal) {
      const own = await identity();
      if (own === undefined) throw new Error('this node has no certificate of the cluster');
      const { address: host } = peer;
      const url = `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
      const address = {
        ...addressOf({ url, caPem: own.authority }),
        certificate: { cert: own.cert, key: own.key },
      };
      const agent = agentOf(address, false);
      try {
        const head = await ask({ address, agent, method: 'GET', path: reachPath, headers: {}, signal });
        const text = await textOf(head);
        if (head.statusCode !== 200) throw new Error(`it answers ${head.statusCode ?? 'nothing'}`);
        return reach.parse(JSON.parse(text));
      } catch (error) {
        throw error instanceof AskFailed ? error.cause : error;
      } finally {
        agent.destroy();
      }
    },
  };
}
