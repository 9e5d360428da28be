/**
 * Faults that belong to no node, as those of the storage as a whole: whoever is primary raises and clears them, and the
 * next primary goes on where the last one was, since all it needs to know is in the store.
 * @module
 */
import type { Host } from '../host/host.ts';
import type { Doc } from '../model/kind.ts';
import type { Documents, Write } from '../store/documents.ts';
import type { FaultReport } from './fault-book.ts';
import { type FaultSpec, type FaultStatus, fault } from './fault-kind.ts';

type FaultDoc = Doc<FaultSpec, FaultStatus>;

const usualDelta = { info: 0, warning: 10, critical: 50 } as const;

/** A message in which only figures have changed is written again after this time, and not at each look. */
const figuresMs = 60_000;

const withoutFigures = (text: string): string => text.replace(/\d+(?:\.\d+)?/g, '#');

/**
 * What to write so that exactly those are open that are wanted. Pure.
 * @param prefix with which the ids of all faults of this sort begin
 * @param present every fault of the store
 * @param wanted by id
 * @param keep leaves open what is not wanted: nobody knows at present whether it still is so
 */
export function faultWrites(
  prefix: string,
  present: readonly FaultDoc[],
  wanted: ReadonlyMap<string, FaultReport>,
  nowMs: number,
  keep = false,
): Write[] {
  const byId = new Map(present.map((doc) => [doc.id, doc]));
  const writes: Write[] = [];
  for (const [id, { severity, message, hint, object, delta }] of wanted) {
    const before = byId.get(id);
    const old = before?.status?.clearedMs === undefined ? before?.status : undefined;
    const same =
      old !== undefined && old.severity === severity && withoutFigures(old.message) === withoutFigures(message);
    if (same && (old.message === message || nowMs - old.lastMs < figuresMs)) continue;
    const status = {
      ...{ severity, message, hint, object, delta: delta ?? usualDelta[severity] },
      ...{ firstMs: old?.firstMs ?? nowMs, lastMs: nowMs, node: '' },
    };
    if (before === undefined) writes.push({ do: 'create', kind: fault, id, spec: {}, status });
    else {
      writes.push({ do: 'status', kind: fault, before, status });
      // One that comes back is a new one: what was acknowledged was the old.
      if (old === undefined) writes.push({ do: 'spec', kind: fault, before, spec: {} });
    }
  }
  if (keep) return writes;
  for (const before of present)
    if (
      before.status !== undefined &&
      before.status.clearedMs === undefined &&
      isOurs(prefix, before) &&
      !wanted.has(before.id)
    )
      writes.push({ do: 'status', kind: fault, before, status: { ...before.status, clearedMs: nowMs } });
  return writes;
}

/** Not those of controllers of a like name, which belong to a node. */
const isOurs = (prefix: string, { id, status }: FaultDoc): boolean => id.startsWith(prefix) && status?.node === '';

interface ToldBy {
  readonly documents: Documents;
  readonly host: Pick<Host, 'clock'>;
  readonly write: (writes: readonly Write[], how: { readonly asPrimary: true }) => Promise<void>;
}

/** Opens and clears them in the store. @throws PvcError OBJECT_CHANGED, NOT_PRIMARY, STORE_UNKNOWN */
export async function tellFaults(
  { documents, host, write }: ToldBy,
  prefix: string,
  wanted: ReadonlyMap<string, FaultReport>,
  keep = false,
): Promise<void> {
  const writes = faultWrites(prefix, await documents.list(fault), wanted, Math.round(host.clock.wallMs()), keep);
  if (writes.length > 0) await write(writes, { asPrimary: true });
}
