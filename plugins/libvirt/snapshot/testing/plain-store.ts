/** A storage whose verbs do nothing, for tests. @module */
import type { VolumeStore } from '../volume-store.ts';

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
