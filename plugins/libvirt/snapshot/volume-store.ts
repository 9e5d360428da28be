/** What snapshots of guests need of a storage: plugins of storage give theirs through the hook `libvirt.volumes`. @module */
import type { FoldHook } from '../../../core/plugin/api.ts';

/** Every act may be done again; each rejects in the words of the storage. */
export interface VolumeStore {
  /** Whether a volume, POOL/NAME, lies in it. */
  has(volume: string): Promise<boolean>;
  /** As the volume is now. One of that name that is there already stays. */
  snapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void>;
  /** Rejects when the volume cannot be made what it was in the snapshot: one of both is gone, or it is in use. */
  needRollBack(volume: string, snapshot: string): Promise<void>;
  /** Makes the volume what it was: what was written since is lost. */
  rollBack(volume: string, snapshot: string, signal: AbortSignal): Promise<void>;
  removeSnapshot(volume: string, snapshot: string, signal: AbortSignal): Promise<void>;
}

const verbs = ['has', 'snapshot', 'needRollBack', 'rollBack', 'removeSnapshot'] as const;

/** What the hook `libvirt.volumes` hands over besides the names of the storages: the place for what is no data. */
export interface VolumeStoreAbout {
  /** @throws TypeError for what is no volume store */
  add(store: VolumeStore): void;
}

export type VolumeStoreHook = FoldHook<readonly string[], VolumeStoreAbout>;

export const wordsProblem = (value: unknown): string | undefined =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
    ? undefined
    : 'something that is no list of words';

/** The storages of all plugins. @throws Error of a built-in plugin */
export async function volumeStores(hook: VolumeStoreHook): Promise<readonly VolumeStore[]> {
  const stores: VolumeStore[] = [];
  await hook.call([], {
    add(store) {
      const missing = verbs.find((verb) => typeof (store as Partial<VolumeStore> | undefined)?.[verb] !== 'function');
      if (missing !== undefined) throw new TypeError(`a volume store without the verb ${missing}`);
      stores.push(store);
    },
  });
  return stores;
}
