/** What makes images asks of the storage. @module */
import { createHash } from 'node:crypto';
import { formatBytes, type TaskRun } from '../../../core/plugin/api.ts';
import { needStore, type VolumeStore, type VolumeStoreHook } from '../snapshot/volume-store.ts';
import type { ImageSpec } from './image-kind.ts';
import { provisionError } from './provision-errors.ts';

/** The storage of an image's pool, also while the volume has no name that others may use. @throws PvcError IMAGE_UNFIT */
export const storeByPool = (
  hook: VolumeStoreHook,
  { name, volume }: Pick<ImageSpec, 'name' | 'volume'>,
): Promise<VolumeStore> =>
  needStore(hook, { volume }, (pool) =>
    provisionError('IMAGE_UNFIT', { image: name, volume, reason: `there is no pool ${pool}` }),
  );

/**
 * Reads what an image holds, from end to end.
 * @param sizeBytes how much there must be
 * @param wanted what its checksum must be; null: whatever it is
 * @param told hears what share has been read
 * @returns its SHA-256
 * @throws PvcError IMAGE_UNFIT
 */
export async function readImage(
  store: VolumeStore,
  { name, volume, snapshot }: Pick<ImageSpec, 'name' | 'volume' | 'snapshot'>,
  { sizeBytes, wanted }: { readonly sizeBytes: number; readonly wanted: string | null },
  { signal, told }: { readonly signal: TaskRun['signal']; readonly told: (share: number) => void },
): Promise<string> {
  const hash = createHash('sha256');
  let done = 0;
  const take = async (piece: Uint8Array): Promise<void> => {
    hash.update(piece);
    done += piece.length;
    told(Math.min(1, done / sizeBytes));
  };
  await store.read(volume, snapshot, take, signal);
  const unfit = (reason: string) => provisionError('IMAGE_UNFIT', { image: name, volume, reason });
  if (done !== sizeBytes) throw unfit(`${formatBytes(done)} of ${formatBytes(sizeBytes)} could be read`);
  const found = hash.digest('hex');
  if (wanted !== null && wanted !== found) throw unfit(`its SHA-256 is ${found}, and should be ${wanted}`);
  return found;
}
