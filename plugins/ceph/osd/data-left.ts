/** How much of an OSD that is out still lies on it alone. @module */
import { z } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';

/** `ceph osd safe-to-destroy`; with `--format json` it ends well whatever the answer is. */
const safeAnswer = z.looseObject({ safe_to_destroy: z.array(z.int()) });
/** `ceph pg ls-by-osd` */
const groupsAnswer = z.looseObject({
  pg_stats: z.array(z.looseObject({ state: z.string(), stat_sum: z.looseObject({ num_objects: z.int() }) })),
});

export interface DataLeft {
  /** Every piece of it is elsewhere as often as its pool wants. */
  readonly safe: boolean;
  readonly pgs: number;
  /** For people. */
  readonly text: string;
}

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function dataLeft(ceph: CephCommand, id: number): Promise<DataLeft> {
  const answer = await ceph.ask(safeAnswer, ['osd', 'safe-to-destroy', String(id)]);
  if (answer.safe_to_destroy.includes(id)) return { safe: true, pgs: 0, text: 'none left' };
  const { pg_stats } = await ceph.ask(groupsAnswer, ['pg', 'ls-by-osd', String(id)]);
  const objects = pg_stats.reduce((sum, { stat_sum }) => sum + stat_sum.num_objects, 0);
  const text =
    pg_stats.length === 0 ? 'Ceph cleans up' : `${pg_stats.length} placement groups with ${objects} objects left`;
  return { safe: false, pgs: pg_stats.length, text };
}
