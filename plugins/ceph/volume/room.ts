/** The guard against a pool that runs full: Ceph stops all writes at 95 %. @module */
import { formatBytes, type PlanContext } from '../../../core/plugin/api.ts';
import { cephId, ceph as cephKind } from '../cluster/ceph-kind.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { type PoolFigures, poolFigures } from '../pool/pool-figures.ts';
import { volumeError } from './volume-kind.ts';

/** Share of a pool that new volumes may promise to fill. */
export const roomLimit = 0.8;

/** @param moreBytes data without replicas, as the figures are */
export const fits = ({ storedBytes, freeBytes }: PoolFigures, moreBytes: number): boolean =>
  storedBytes + moreBytes <= (storedBytes + freeBytes) * roomLimit;

/**
 * @param moreBytes what the volume may come to hold besides what is stored now, data without replicas as the figures are
 * @throws PvcError VOLUME_NO_ROOM
 */
export function needRoom(pool: string, figures: PoolFigures, moreBytes: number): void {
  if (fits(figures, moreBytes)) return;
  throw volumeError('VOLUME_NO_ROOM', {
    pool,
    wanted: formatBytes(moreBytes),
    free: formatBytes(figures.freeBytes),
    limit: Math.round(roomLimit * 100),
  });
}

/** Figures of the storage's status that serve as well as new ones; a look at Ceph is made every 15 s. */
const recentMs = 30_000;

/**
 * As `guardRoom`, for a volume into which nothing is written yet. When it fits by the primary's last look at Ceph, Ceph
 * is not asked: `ceph df` takes most of a second of a core.
 * @throws PvcError VOLUME_NO_ROOM, CEPH_AWAY
 */
export async function guardPromise(
  ceph: CephCommand,
  { view, nowMs }: Pick<PlanContext, 'view' | 'nowMs'>,
  pool: string,
  moreBytes: number,
  forced: boolean,
): Promise<void> {
  const { pools = [], updatedMs = 0, silent } = (await view.get(cephKind, cephId))?.status ?? {};
  const known = pools.find(({ name }) => name === pool);
  const recent = silent === undefined && nowMs - updatedMs < recentMs;
  if (recent && known !== undefined && fits(known, moreBytes)) return;
  await guardRoom(ceph, pool, moreBytes, forced);
}

/** As `needRoom`, with what Ceph says now. @throws PvcError VOLUME_NO_ROOM, CEPH_AWAY */
export async function guardRoom(ceph: CephCommand, pool: string, moreBytes: number, forced: boolean): Promise<void> {
  if (forced) return;
  const figures = (await poolFigures(ceph)).get(pool);
  if (figures !== undefined) needRoom(pool, figures, moreBytes);
}
