/** Whether a node that has lost the store is cut off from it, or nobody reaches it: see docs/decisions/024. Pure. @module */
import { z } from 'zod';
import type { SessionState } from '../../store/store.ts';
import { quorumOf } from '../membership.ts';

/** What a daemon tells of its own way to the store. */
export const reach = z.object({
  node: z.string(),
  session: z.enum(['live', 'suspended', 'lost']),
  /** How much longer nobody may have seen its session end; 0: it is over. */
  leaseLeftMs: z.number(),
});
export type Reach = z.infer<typeof reach>;

export const reachOf = (node: string, session: SessionState, leaseLeftMs: number): Reach => ({
  node,
  session,
  leaseLeftMs: session === 'lost' ? 0 : Math.max(0, leaseLeftMs),
});

/** What became of the question to one coordinator: it reaches the store, it does not, or it said nothing. */
export type PeerWord = 'reaches' | 'does not' | 'silent';

export const wordOf = (answer: Reach | undefined): PeerWord =>
  answer === undefined ? 'silent' : answer.leaseLeftMs > 0 ? 'reaches' : 'does not';

/** isolated: others may reach the store, and take this node for dead. outage: nobody can. */
export type Finding = 'isolated' | 'outage';

/**
 * It is an outage only when that is certain: no coordinator reaches the store, and those that say nothing are too few to
 * have it among themselves.
 * @param words of every coordinator, by name; this node's own word among them where it is one
 */
export function findingOf(words: ReadonlyMap<string, PeerWord>): Finding {
  const count = (wanted: PeerWord): number => [...words.values()].filter((word) => word === wanted).length;
  return count('reaches') === 0 && count('silent') < quorumOf(words.size) ? 'outage' : 'isolated';
}
