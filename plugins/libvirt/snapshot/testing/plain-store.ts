/** A storage whose verbs do nothing, for tests, and the hook by which a storage is found. @module */
import type { VolumeStore, VolumeStoreHook } from '../volume-store.ts';

export const plainStore: VolumeStore = {
  has: async () => true,
  snapshot: async () => undefined,
  needRollBack: async () => undefined,
  rollBack: async () => undefined,
  removeSnapshot: async () => undefined,
  form: 'words-1',
  hasPool: async () => true,
  describe: async () => ({ sizeBytes: 512, bytes: 20, settings: null }),
  give: async () => undefined,
  read: async () => undefined,
  headProblem: () => undefined,
  planMake: async () => [],
  planNew: async () => [],
  planRemove: async () => undefined,
  inspect: async () => ({ sizeBytes: 512, form: 'raw' }),
  needFree: async () => undefined,
  make: async () => undefined,
  makeFrom: async () => undefined,
  blockOptions: async () => ({ driver: 'null-co' }),
  made: async () => undefined,
  unmake: async () => undefined,
};

/** As the hook is when one plugin gives this store. */
export const hookWith = (store: VolumeStore): VolumeStoreHook => {
  const call = async (names: readonly string[], about: { add(one: VolumeStore): void }) => {
    about.add(store);
    return names;
  };
  return { call } as unknown as VolumeStoreHook;
};
