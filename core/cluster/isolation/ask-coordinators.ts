/** Asks the coordinators whether they reach the store, over a way that does not need it. @module */
import { errorText } from '../../error/error.ts';
import type { Host } from '../../host/host.ts';
import { type Finding, findingOf, type PeerWord, type Reach, wordOf } from './finding.ts';

/** A coordinator. */
export interface Peer {
  readonly node: string;
  readonly address: string;
}

/** The way to the other coordinators that does not need the store. */
export interface Peers {
  /** Every coordinator, this node too where it is one; none: the state is on this node alone. */
  list(): Promise<readonly Peer[]>;
  /** @throws when it does not answer */
  ask(peer: Peer, signal: AbortSignal): Promise<Reach>;
}

/** What one coordinator said, and what makes it that. */
export interface Word {
  readonly node: string;
  readonly word: PeerWord;
  readonly reason: string;
}

export interface Asking {
  readonly host: Pick<Host, 'clock'>;
  readonly node: string;
  readonly peers: Peers;
}

const answerWithinMs = 1_000;

/** What each of them says within a second; this node, which asks since it does not reach the store, among them. */
export async function askCoordinators({ host, node, peers }: Asking, over: AbortSignal): Promise<Word[]> {
  const all = await peers.list();
  return Promise.all(
    all.map(async (peer) => {
      if (peer.node === node) return { node, word: 'does not' as const, reason: 'this node' };
      const late = new AbortController();
      const cancel = host.clock.after(answerWithinMs, () => late.abort(new Error('it did not answer')));
      try {
        const answer = await peers.ask(peer, AbortSignal.any([over, late.signal]));
        return { node: peer.node, word: wordOf(answer), reason: `its session is ${answer.session}` };
      } catch (error) {
        return { node: peer.node, word: wordOf(undefined), reason: errorText(error) };
      } finally {
        cancel();
      }
    }),
  );
}

export const findingFrom = (words: readonly Word[]): Finding =>
  findingOf(new Map(words.map(({ node, word }) => [node, word])));
