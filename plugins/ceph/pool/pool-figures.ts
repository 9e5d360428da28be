/** How full pools are. @module */
import { z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';

/** `ceph df`: `stored` is data without replicas, `max_avail` what of such data still fits. */
export const poolAnswer = z.looseObject({
  pools: z.array(
    z.looseObject({
      name: z.string(),
      stats: z.looseObject({ stored: z.number().default(0), max_avail: z.number().default(0) }),
    }),
  ),
});

export interface PoolFigures {
  readonly storedBytes: number;
  readonly freeBytes: number;
}

/** By pool. @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function poolFigures(ceph: CephCommand): Promise<Map<string, PoolFigures>> {
  const { pools } = await ceph.ask(poolAnswer, ['df']);
  return new Map(pools.map(({ name, stats }) => [name, { storedBytes: stats.stored, freeBytes: stats.max_avail }]));
}
