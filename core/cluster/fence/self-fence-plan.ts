/**
 * When it is proven that the watchdog of a dead node has reset it, without doing anything. Pure. Why it is sound:
 * docs/decisions/025.
 * @module
 */

/** The life of each coordinator's session, by name: it differs between two of them (`birth` of its entry). */
export type Sessions = ReadonlyMap<string, string>;

/** Coordinators enough for a quorum whose sessions have lasted since then. */
export interface Standing {
  readonly sinceMs: number;
  /** Every coordinator of the cluster, the dead node too where it is one. */
  readonly coordinators: string;
  readonly sessions: Sessions;
}

/** The age of words, sessions whose end is not seen yet, reads that lag, and the reset itself. */
const slackMs = 15_000;

/**
 * How long a quorum must have stood. A daemon that was stopped between its last look and its write feeds once more within a
 * timeout after the last feeding, and the kernel once more when that process ends: three timeouts.
 */
export const boundMs = (timeoutS: number): number => 3 * timeoutS * 1000 + slackMs;

/**
 * @param before what stood at the last look
 * @param all names of all coordinators
 * @param sessions of those that are announced, without the dead node
 * @returns undefined: there is no quorum without the dead node
 */
export function standing(
  before: Standing | undefined,
  all: readonly string[],
  sessions: Sessions,
  nowMs: number,
): Standing | undefined {
  const quorum = Math.floor(all.length / 2) + 1;
  const coordinators = [...all].sort().join(' ');
  if (before?.coordinators === coordinators) {
    const lasted = new Map([...before.sessions].filter(([name, birth]) => sessions.get(name) === birth));
    if (lasted.size >= quorum) return { ...before, sessions: lasted };
  }
  return sessions.size >= quorum ? { sinceMs: nowMs, coordinators, sessions } : undefined;
}
