/** Lets the others see that this daemon lives. @module */
import { aliveKey } from '../model/node-kind.ts';
import type { Documents } from '../store/documents.ts';

/** Makes the ephemeral key of this session, unless it is there. @throws PvcError STORE_UNAVAILABLE, STORE_UNKNOWN */
export async function announceAlive(documents: Documents, name: string, startedMs: number): Promise<void> {
  const key = aliveKey(name);
  if ((await documents.store.read(key)) !== undefined) return;
  const made = await documents.store.commit(
    [{ op: 'create', key, value: JSON.stringify({ startedMs }), ephemeral: true }],
    [`node:${name}`],
  );
  if (made.outcome === 'unknown') throw made.cause;
}
