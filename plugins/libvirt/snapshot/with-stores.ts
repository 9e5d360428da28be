/** Which storage each volume of a snapshot lies in. @module */
import { type SnapshotSpec, snapshotError } from './snapshot-kind.ts';
import { storeKnowing, type VolumeStore, type VolumeStoreHook, volumeStores } from './volume-store.ts';

type Volume = SnapshotSpec['volumes'][number];

/** @throws PvcError VM_SNAPSHOT_UNFIT */
export async function withStores(
  hook: VolumeStoreHook,
  { guest, volumes }: SnapshotSpec,
): Promise<(readonly [VolumeStore, Volume])[]> {
  const stores = await volumeStores(hook);
  return Promise.all(
    volumes.map(async (one) => {
      const store = await storeKnowing(stores, one.volume);
      if (store !== undefined) return [store, one] as const;
      throw snapshotError('VM_SNAPSHOT_UNFIT', {
        vm: guest.name,
        reason: `no storage knows the volume ${one.volume} of its disk ${one.target}`,
      });
    }),
  );
}
