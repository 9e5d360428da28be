/** What a back end gives to the conformance suite, and what its parts share. @module */
import assert from 'node:assert/strict';
import type { Clock } from '../../core/host/clock.ts';
import type { Op, Store, Topic } from '../../core/store/store.ts';

/** One fresh, empty cluster state. */
export interface StoreSubject {
  /** The clock that leases are on. */
  readonly clock: Clock;
  /** Another session on the same state, under a name of its own. */
  readonly open: () => Promise<Store>;
  /**
   * Lets the process behind this store stand still until its session has ended for everyone else, then lets
   * it go on.
   */
  readonly lose: (store: Store) => Promise<void>;
  /** Closes every session and removes what is left on the disk. */
  readonly closeAll: () => Promise<void>;
  /** True when `list`, `children` and `readMany` show one moment (ZooKeeper cannot promise that). */
  readonly readsOneMoment: boolean;
}

export type StoreFactory = () => Promise<StoreSubject>;

/** Runs `use` with a fresh state and closes it whatever happens. */
export async function withSubject(factory: StoreFactory, use: (subject: StoreSubject) => Promise<void>): Promise<void> {
  const subject = await factory();
  try {
    await use(subject);
  } finally {
    await subject.closeAll();
  }
}

/** Commits and demands success. */
export async function mustCommit(store: Store, ops: readonly Op[], topics?: readonly Topic[]): Promise<void> {
  assert.deepEqual(await store.commit(ops, topics), { outcome: 'ok' });
}

/** The value of an entry, which must exist. */
export async function valueOf(store: Store, key: string): Promise<string> {
  const entry = await store.read(key);
  assert.ok(entry, `${key} exists`);
  return entry.value;
}

export const create = (key: string, value = '0', ephemeral = false): Op => ({ op: 'create', key, value, ephemeral });
export const put = (key: string, value: string, version?: number): Op => ({ op: 'put', key, value, version });
export const remove = (key: string, version?: number): Op => ({ op: 'delete', key, version });
