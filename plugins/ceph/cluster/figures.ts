/** Figures of the storage, and whether they still tell how it is. Pure. @module */
import { formatShare } from '../../../core/plugin/api.ts';
import type { CephStatus } from './ceph-kind.ts';

/** Older than this, what is shown is no longer how it is. */
const staleMs = 60_000;

/** unknown: Ceph does not answer, has not been asked for a minute, or never yet. */
export const healthNow = (
  { updatedMs, health, silent }: Pick<CephStatus, 'updatedMs' | 'health' | 'silent'>,
  nowMs: number,
): CephStatus['health'] | 'unknown' =>
  silent === undefined && updatedMs > 0 && nowMs - updatedMs < staleMs ? health : 'unknown';

/** Of all room before replication, 0 to 1. */
export const shareOf = ({ usedBytes, totalBytes }: CephStatus['usage']): number =>
  totalBytes === 0 ? 0 : usedBytes / totalBytes;

/** `ok, 3 of 3 disks up, 12 % used` */
export function storageLine(status: CephStatus, nowMs: number): string {
  const { osds, usage } = status;
  if (status.updatedMs === 0) return 'being made';
  const figures = `${osds.up} of ${osds.total} disks up, ${formatShare(shareOf(usage))} used`;
  const health = healthNow(status, nowMs);
  return health === 'unknown' ? `does not answer (last: ${figures})` : `${health}, ${figures}`;
}
