/**
 * The state of the cluster: versioned entries, changed by all-or-nothing commits. SQLite (one node),
 * memory (tests, simulator) and ZooKeeper (clusters) stand behind this interface, and one conformance
 * suite (`test/conformance/store.ts`) says what each must do.
 *
 * Keys are paths: `/vm/6e2…/spec`. Segments match `[A-Za-z0-9][A-Za-z0-9._:@+-]*`, there is no root
 * entry, and an entry may have children whether or not its parent exists. Values are JSON text.
 * A method given something that is not a key rejects with STORE_KEY.
 *
 * Calls made without waiting for each other may be done in any order. Every method rejects with
 * STORE_UNAVAILABLE once the store is closed, and when the store cannot be reached.
 * @module
 */
import { defineErrors } from '../error/error.ts';

export type Key = string;

export interface Entry {
  readonly key: Key;
  readonly value: string;
  /** Counts the writes of this entry since it was created: 0, 1, 2 … */
  readonly version: number;
  /** Differs between two lives of one key: a deleted and re-created entry has a new one. */
  readonly birth: string;
}

/**
 * What a commit demands of the entry that it touches: `create` and `absent` that it does not exist, the
 * others that it does, in that version; `undefined` in `put`/`delete` means any version. The operations of
 * one commit are done in order, each on top of those before it. An ephemeral entry goes with the session
 * that created it, whoever writes to it later; it has no children.
 */
export type Op =
  | { readonly op: 'create'; readonly key: Key; readonly value: string; readonly ephemeral?: boolean }
  | { readonly op: 'put'; readonly key: Key; readonly value: string; readonly version: number | undefined }
  | { readonly op: 'delete'; readonly key: Key; readonly version: number | undefined }
  | { readonly op: 'check'; readonly key: Key; readonly version: number }
  | { readonly op: 'absent'; readonly key: Key };

/**
 * `ok`: all was written. `conflict`: nothing was written, `key` is the first entry that was not as
 * demanded. `unknown`: it may or may not have been written (the answer was lost); the caller must
 * find out by reading, never assume.
 */
export type CommitResult =
  | { readonly outcome: 'ok' }
  | { readonly outcome: 'conflict'; readonly key: Key }
  | { readonly outcome: 'unknown'; readonly cause: Error };

/**
 * Who is woken by a change: `all`, or `node:NAME`. A commit always wakes `all`; the topics given with
 * it are woken as well. Ephemeral entries that vanish with their session wake `all`.
 */
export type Topic = 'all' | `node:${string}`;

/**
 * Keys that changed since the last element; `resync` when any may have (first element, lost link, too many
 * changes to name), and then `keys` is empty.
 */
export interface Dirty {
  readonly resync: boolean;
  readonly keys: ReadonlySet<Key>;
}

/**
 * `live`: others see this session. `suspended`: the store does not answer, the session may still exist.
 * `lost`: the session has ended, or its lease has, so that others must be taken to have seen it end. A lost
 * session is replaced by a new one (`live`, next epoch) as soon as the store answers, unless another process
 * has opened a session under the same name: then the store stays unavailable. `close` leaves it `lost`.
 */
export type SessionState = 'live' | 'suspended' | 'lost';

/** Liveness of this process towards the store; ephemeral entries vanish with it. */
export interface Session {
  readonly state: SessionState;
  /** Grows each time a new session replaces a lost one: ephemeral entries must then be made again. */
  readonly epoch: number;
  /** Monotonic time up to which nobody else may have seen this session end. Judge at each use. */
  readonly leaseUntilMs: number;
  /** Calls `fn`, which must not throw, on every change of state; returns the way to stop that. */
  onChange(fn: (state: SessionState) => void): () => void;
}

export interface Store {
  /** `sqlite`, `zookeeper` or `memory`. */
  readonly backend: string;
  readonly session: Session;
  /** @throws PvcError STORE_UNAVAILABLE */
  read(key: Key): Promise<Entry | undefined>;
  /** The entry of every key in one consistent moment where the back end can, in the order given. */
  readMany(keys: readonly Key[]): Promise<(Entry | undefined)[]>;
  /**
   * Names of the direct children of `prefix` (`/vm` → uuids), sorted; empty when there are none. A child
   * counts when it has an entry or when there are entries below it.
   */
  children(prefix: Key): Promise<string[]>;
  /** Every entry below `prefix` (not its own), at any depth, sorted by key; `/` is the prefix of all. */
  list(prefix: Key): Promise<Entry[]>;
  /**
   * All or nothing. An empty list is `ok`. Not more than 512 operations, each value at most 512 KiB.
   * When it rejects, with whatever error, nothing was written; an answer that was lost is `unknown`.
   * @throws PvcError STORE_KEY, STORE_TOO_LARGE, STORE_FULL, STORE_UNAVAILABLE
   */
  commit(ops: readonly Op[], topics?: readonly Topic[]): Promise<CommitResult>;
  /**
   * Level-triggered: the first element is a resync, then the keys that changed, coalesced while the
   * reader is busy, never values, never an own queue that grows without bound. Changes made by this store
   * are reported as well. Watching begins when the first element is asked for, and ends when the signal
   * aborts or the store is closed; it goes on across sessions, with a resync.
   */
  watch(topics: readonly Topic[], signal: AbortSignal): AsyncIterable<Dirty>;
  /** A word that no store on this state gives twice, over all processes and restarts; fit for a segment of a key. */
  freshWord(): string;
  /** Ends the session (its ephemeral entries vanish at once) and every watch. Closing twice is fine. */
  close(): Promise<void>;
}

/** Characters of a key; all of them are ASCII. */
export const maxKeyLength = 512;
export const maxCommitOps = 512;
export const maxValueBytes = 512 * 1024;

export const storeError = defineErrors({
  STORE_UNAVAILABLE: {
    message: 'The cluster state cannot be reached: {reason}',
    hint: 'Guests run on, with their consoles and logs; nothing can be changed until it is back. `pvc store status` on a coordinator shows what is missing.',
    http: 503,
    exit: 'unreachable',
  },
  STORE_UNKNOWN: {
    message: 'The answer to {what} was lost: it may or may not have been done.',
    hint: 'Look at the object before you try again.',
    http: 504,
    exit: 'unknown',
  },
  STORE_FULL: {
    message: 'No space left for the cluster state at {path}.',
    hint: 'Free space on that file system; nothing was changed.',
    http: 507,
    exit: 'failed',
  },
  STORE_KEY: {
    message: 'Not a key of the store: {key}',
    hint: 'This is a fault in PVC or in a plugin; please report it.',
    http: 500,
    exit: 'failed',
  },
  STORE_TOO_LARGE: {
    message: '{what} is too large for the store ({size} of {limit}).',
    hint: 'Make it smaller; nothing was changed.',
    http: 413,
    exit: 'refused',
  },
  STORE_VERSION: {
    message: 'The store at {path} was written by a newer PVC (layout {found}; this version knows up to {known}).',
    hint: 'Run the newer version, or restore a backup made before the upgrade; the file was left as it is.',
    http: 500,
    exit: 'failed',
  },
  STORE_CORRUPT: {
    message: 'The store at {path} cannot be read: {reason}',
    hint: 'Restore it from a backup; the damaged file was left as it is.',
    http: 500,
    exit: 'failed',
  },
});
