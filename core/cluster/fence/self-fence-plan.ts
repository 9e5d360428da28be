/**
 * When it is proven that the watchdog of a dead node has reset it, without doing anything. Pure. Why it is sound:
 * docs/decisions/025.
 * @module
 */
import { quorumOf } from '../membership.ts';

/** The life of each coordinator's session, by name: it differs between two of them (`birth` of its entry). */
export type Sessions = ReadonlyMap<string, string>;

/** Coordinators enough for a quorum whose sessions have lasted since then. */
export interface Standing {
  readonly sinceMs: number;
  readonly seen: Seen;
}

/** What is seen at one look. */
export interface Seen {
  /** Every coordinator of the cluster, the dead node too where it is one. */
  readonly coordinators: readonly string[];
  /** Of those that are announced, without the dead node. */
  readonly sessions: Sessions;
  /** Grows with each announcement of the dead node: it may have been back between two looks. */
  readonly statusVersion: number | undefined;
}

/**
 * The age of words, sessions whose end is not seen yet, reads that lag, and the reset itself; and a session that has not
 * ended, where the fence was opened since the BMC read off, and that was not true.
 */
const slackMs = 23_000;

/**
 * How long a quorum must have stood. A daemon that was stopped between its last look and its write feeds once more within a
 * timeout after the last feeding, and the kernel once more when that process ends: three timeouts.
 */
export const boundMs = (timeoutS: number): number => 3 * timeoutS * 1000 + slackMs;

const sameCluster = (a: Seen, b: Seen): boolean =>
  a.statusVersion === b.statusVersion && [...a.coordinators].sort().join(' ') === [...b.coordinators].sort().join(' ');

/**
 * @param before what stood at the last look
 * @returns undefined: there is no quorum without the dead node
 */
export function standing(before: Standing | undefined, seen: Seen, nowMs: number): Standing | undefined {
  const quorum = quorumOf(seen.coordinators.length);
  if (before !== undefined && sameCluster(before.seen, seen)) {
    const sessions = new Map([...before.seen.sessions].filter(([name, birth]) => seen.sessions.get(name) === birth));
    if (sessions.size >= quorum) return { sinceMs: before.sinceMs, seen: { ...seen, sessions } };
  }
  return seen.sessions.size >= quorum ? { sinceMs: nowMs, seen } : undefined;
}
