/** Gives a store that was written before there was an index by node its index. @module */
import type { AnyKind } from '../model/kind.ts';
import { type Documents, missingIndex } from './documents.ts';
import { type Op, storeError } from './store.ts';

/** Exists once every object is in the index; from then on each commit keeps it. */
const markKey = '/layout/at';
const chunk = 200;

/** Does nothing where the index is complete. @throws PvcError STORE_UNAVAILABLE, STORE_UNKNOWN */
export async function ensureIndex(documents: Documents, kinds: readonly AnyKind[]): Promise<void> {
  const { store } = documents;
  if ((await store.read(markKey)) !== undefined) return;
  const missing: Op[] = [];
  for (const kind of kinds) if (kind.concerns !== undefined) missing.push(...(await missingIndex(documents, kind)));
  for (let from = 0; from < missing.length; from += chunk) await done(missing.slice(from, from + chunk));
  await done([{ op: 'create', key: markKey, value: '1' }]);

  async function done(ops: readonly Op[]): Promise<void> {
    const result = await store.commit(ops);
    if (result.outcome === 'unknown')
      throw storeError('STORE_UNKNOWN', { what: 'the index by node' }, { cause: result.cause });
    // Somebody else makes the same index at this moment, and will end it.
    if (result.outcome === 'conflict' && (await store.read(result.key)) === undefined)
      throw storeError('STORE_UNAVAILABLE', { reason: 'it changed while its index was made' });
  }
}
