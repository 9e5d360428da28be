/** How a plugin's writes become one commit, with what must be true for them. @module */
import { primaryError } from '../cluster/primary.ts';
import { modelError } from '../model/kind.ts';
import { aliveKey, nodeStateError } from '../model/node-kind.ts';
import { type Documents, describeKey, type Write } from '../store/documents.ts';
import { type Op, storeError } from '../store/store.ts';

/**
 * Writes documents for a plugin.
 * @param guard what must be true for the commit: that this node is primary
 * @throws PvcError OBJECT_CHANGED, NOT_PRIMARY, NODE_BACK, STORE_UNKNOWN
 */
export async function writeDocuments(
  documents: Documents,
  writes: readonly Write[],
  guard: readonly Op[],
  { whileDead, asDead }: { readonly whileDead?: string; readonly asDead?: string },
): Promise<void> {
  const { ops, topics } = documents.commitOf(writes);
  const isDead: Op[] = [
    ...(whileDead === undefined ? [] : [{ op: 'absent', key: aliveKey(whileDead) } as const]),
    ...(asDead === undefined ? [] : [{ op: 'delete', key: aliveKey(asDead), version: undefined } as const]),
  ];
  const result = await documents.store.commit([...guard, ...isDead, ...ops], topics);
  switch (result.outcome) {
    case 'ok':
      return;
    case 'conflict': {
      if (guard.some((op) => op.key === result.key))
        throw primaryError('NOT_PRIMARY', { node: 'this node', what: `a write of ${writes.length} documents` });
      if (whileDead !== undefined && result.key === aliveKey(whileDead))
        throw nodeStateError('NODE_BACK', { node: whileDead });
      const { kind, value: id = '' } = describeKey(result.key);
      throw modelError('OBJECT_CHANGED', { kind, id });
    }
    case 'unknown':
      throw storeError('STORE_UNKNOWN', { what: `a write of ${writes.length} documents` }, { cause: result.cause });
  }
}
