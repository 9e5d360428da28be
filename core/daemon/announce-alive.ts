/** Lets the others see that this daemon lives. @module */
import { aliveKey, node } from '../model/node-kind.ts';
import type { Documents } from '../store/documents.ts';

/** Tries to be faster than a write of the session before that is still on its way. */
const attempts = 5;

/**
 * Makes the ephemeral key of this session, unless it is there. The same commit says which life of the machine it is: what
 * was proven of an earlier one must count no more from the moment that this one may start guests. Where others count on a
 * watchdog the status is written in any case: so nobody misses a session, however short, that has fed it.
 * @throws PvcError STORE_UNAVAILABLE, STORE_UNKNOWN
 */
export async function announceAlive(
  documents: Documents,
  name: string,
  startedMs: number,
  bootId: string,
): Promise<void> {
  const key = aliveKey(name);
  for (let tries = 1; tries <= attempts; tries += 1) {
    if ((await documents.store.read(key)) !== undefined) return;
    const before = await documents.get(node, name);
    const boot =
      before?.status === undefined || (before.status.bootId === bootId && before.status.watchdog === undefined)
        ? { ops: [], topics: [] }
        : documents.commitOf([{ do: 'status', kind: node, before, status: { ...before.status, bootId } }]);
    const made = await documents.store.commit(
      [{ op: 'create', key, value: JSON.stringify({ startedMs }), ephemeral: true }, ...boot.ops],
      [`node:${name}`, ...boot.topics],
    );
    if (made.outcome === 'unknown') throw made.cause;
    if (made.outcome === 'ok') return;
  }
  throw new Error(`${name} could not be announced: its document changed ${attempts} times`);
}
