/** The state of a cluster as a list of entries: copied to another store, written to a file, read from one. @module */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { defineErrors } from '../error/error.ts';
import { kindOfKey } from '../store/documents.ts';
import type { Entry, Store } from '../store/store.ts';
import { storeError } from '../store/store.ts';
import { dutiesKey, holderKey } from './primary.ts';

export const copyError = defineErrors({
  COPY_NOT_SAFE: {
    message: 'The state of this cluster cannot be {what} now.',
    hint: 'Every reason is listed above; nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  COPY_DIFFERS: {
    message: 'The copy is not like the original: {reason}',
    hint: 'The original is untouched and stays in force. Try again.',
    http: 500,
    exit: 'failed',
  },
  BACKUP_DAMAGED: {
    message: '{path} is not a whole backup of a PVC cluster: {reason}',
    hint: 'Nothing was changed. Take another backup file.',
    http: 422,
    exit: 'usage',
  },
});

export interface StateEntry {
  readonly key: string;
  readonly value: string;
}

/** Who is alive and who is primary belongs to sessions, not to the state. */
const isPassing = (key: string): boolean => key.startsWith('/alive/') || key === holderKey || key === dutiesKey;

/** What a backup cannot bring back into another cluster: its machines, how they know each other, what they were at. */
const ownKinds = new Set(['cluster', 'node', 'token', 'task', 'fault', 'primary', 'layout', 'alive']);

/** What moves with the cluster itself, to another back end. */
export const movable = (entries: readonly Entry[]): StateEntry[] =>
  entries.filter(({ key }) => !isPassing(key)).map(({ key, value }) => ({ key, value }));

/** What can be restored into another cluster. */
export const restorable = (entries: readonly StateEntry[]): StateEntry[] =>
  entries.filter(({ key }) => !ownKinds.has(kindOfKey(key)));

/** What a cluster must not have when something is restored into it: all that somebody has defined. Audit records may stand beside others. */
export const defined = (entries: readonly StateEntry[]): StateEntry[] =>
  restorable(entries).filter(({ key }) => kindOfKey(key) !== 'audit');

export function digestOf(entries: readonly StateEntry[]): string {
  const hash = createHash('sha256');
  for (const { key, value } of [...entries].sort((a, b) => (a.key < b.key ? -1 : 1)))
    hash.update(JSON.stringify([key, value]));
  return hash.digest('hex');
}

/** Operations and bytes in one commit. */
const chunkOps = 200;
const chunkBytes = 1024 * 1024;

/** Creates the entries; one that is there with the same value is fine. @throws PvcError COPY_DIFFERS, STORE_UNKNOWN … */
export async function writeEntries(
  store: Store,
  entries: readonly StateEntry[],
  onProgress: (done: number) => void = () => undefined,
): Promise<void> {
  let chunk: StateEntry[] = [];
  let bytes = 0;
  let done = 0;
  const flush = async (): Promise<void> => {
    if (chunk.length === 0) return;
    const result = await store.commit(chunk.map(({ key, value }) => ({ op: 'create', key, value })));
    if (result.outcome === 'unknown')
      throw storeError('STORE_UNKNOWN', { what: 'a part of the copy' }, { cause: result.cause });
    if (result.outcome === 'conflict') throw copyError('COPY_DIFFERS', { reason: `${result.key} is there already` });
    done += chunk.length;
    onProgress(done);
    chunk = [];
    bytes = 0;
  };
  for (const entry of entries) {
    const size = entry.key.length + Buffer.byteLength(entry.value);
    if (chunk.length >= chunkOps || bytes + size > chunkBytes) await flush();
    chunk.push(entry);
    bytes += size;
  }
  await flush();
}

/** Removes everything, so that a copy that was cut off can begin anew. */
export async function clear(store: Store): Promise<void> {
  const entries = movable(await store.list('/'));
  for (let from = 0; from < entries.length; from += chunkOps) {
    const result = await store.commit(
      entries.slice(from, from + chunkOps).map(({ key }) => ({ op: 'delete', key, version: undefined })),
    );
    if (result.outcome !== 'ok') throw copyError('COPY_DIFFERS', { reason: 'an earlier copy could not be removed' });
  }
}

/** Reads the copy back. @throws PvcError COPY_DIFFERS */
export async function verify(store: Store, original: readonly StateEntry[]): Promise<void> {
  const copy = movable(await store.list('/'));
  if (copy.length !== original.length)
    throw copyError('COPY_DIFFERS', { reason: `${copy.length} entries in the place of ${original.length}` });
  if (digestOf(copy) !== digestOf(original)) throw copyError('COPY_DIFFERS', { reason: 'their contents differ' });
}

const format = 1;
const backup = z.strictObject({
  format: z.literal(format),
  cluster: z.string(),
  version: z.string(),
  takenMs: z.int(),
  digest: z.string(),
  entries: z.array(z.tuple([z.string(), z.string()])),
});
export type Backup = Omit<z.infer<typeof backup>, 'entries' | 'format'> & { readonly entries: readonly StateEntry[] };

/** The text of a backup. It holds no secret, but all that is known of the guests. Pure. */
export function backupText(
  of: { cluster: string; version: string; takenMs: number },
  entries: readonly StateEntry[],
): string {
  return `${JSON.stringify(
    backup.parse({
      format,
      ...of,
      digest: digestOf(entries),
      entries: entries.map(({ key, value }) => [key, value]),
    }),
  )}\n`;
}

/** @throws PvcError BACKUP_DAMAGED */
export function parseBackup(text: string, path: string): Backup {
  const damaged = (reason: string, cause?: unknown) => copyError('BACKUP_DAMAGED', { path, reason }, { cause });
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw damaged('it is no JSON', error);
  }
  const found = (raw as { format?: unknown } | null)?.format;
  if (typeof found === 'number' && found > format) throw damaged(`its format ${found} is of a newer PVC`);
  const parsed = backup.safeParse(raw);
  if (!parsed.success) throw damaged(parsed.error.issues[0]?.message ?? 'its shape is wrong');
  const { entries: pairs, format: _format, ...rest } = parsed.data;
  const entries = pairs.map(([key, value]) => ({ key, value }));
  if (digestOf(entries) !== rest.digest) throw damaged('its checksum is wrong');
  return { ...rest, entries };
}
