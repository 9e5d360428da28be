/**
 * Takes the role from a primary whose machine is silent and off, before its session ends: only a primary fences, and it
 * cannot fence itself. Any coordinator does so. What goes with the role stays: whoever takes it next waits with the duties for
 * the end of the session (primary.ts), which costs nothing where the BMC was right, and saves an address where it was not.
 * @module
 */
import { aliveKey, node as nodeKind } from '../../model/node-kind.ts';
import type { Documents } from '../../store/documents.ts';
import { dutiesKey, holderKey, termKey } from '../primary.ts';

/**
 * @returns whether it was primary, and is no more
 * @throws PvcError STORE_UNAVAILABLE; what was asked may have been done then
 */
export async function deposePrimary(documents: Documents, name: string): Promise<boolean> {
  const { store } = documents;
  const [term, holder, duties] = await store.readMany([termKey, holderKey, dutiesKey]);
  // Without the key of its duties nothing would tell the next one until when it may have them: an earlier PVC made none.
  if (term === undefined || holder?.value !== name || duties?.value !== name) return false;
  const before = await documents.get(nodeKind, name);
  if (before?.status === undefined) return false;
  // As it was: a later life of the machine says in it who it is, and then nothing is done.
  const same = documents.commitOf([{ do: 'status', kind: nodeKind, before, status: before.status }]);
  const done = await store.commit(
    [
      { op: 'check', key: termKey, version: term.version },
      { op: 'delete', key: holderKey, version: holder.version },
      { op: 'check', key: dutiesKey, version: duties.version },
      { op: 'delete', key: aliveKey(name), version: undefined },
      ...same.ops,
    ],
    same.topics,
  );
  return done.outcome === 'ok';
}
