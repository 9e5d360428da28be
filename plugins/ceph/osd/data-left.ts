/** How much of an OSD that is out still lies on it alone. @module */
import { z } from '../../../core/plugin/api.ts';
import { type CephCommand, complaint, parsed } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';

/** `ceph osd safe-to-destroy`; with `--format json` Ceph 16 ends well also when the answer is no. */
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

/** EAGAIN, EBUSY (errno.h): what Ceph ends with while it cannot tell yet, and while the answer is no. */
const notYet: readonly (number | null)[] = [11, 16];

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
async function isSafe(ceph: CephCommand, id: number): Promise<boolean> {
  const args = ['osd', 'safe-to-destroy', String(id), '--format', 'json'];
  const result = await ceph.tryCeph(args);
  if (result.code === 0)
    return parsed(safeAnswer, `ceph ${args.join(' ')}`, result.stdout).safe_to_destroy.includes(id);
  if (notYet.includes(result.code)) return false;
  throw cephError('CEPH_REFUSED', { what: `whether osd.${id} is needed`, reason: complaint(result) });
}

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function dataLeft(ceph: CephCommand, id: number): Promise<DataLeft> {
  if (await isSafe(ceph, id)) return { safe: true, pgs: 0, text: 'none left' };
  const { pg_stats } = await ceph.ask(groupsAnswer, ['pg', 'ls-by-osd', String(id)]);
  const objects = pg_stats.reduce((sum, { stat_sum }) => sum + stat_sum.num_objects, 0);
  const text =
    pg_stats.length === 0 ? 'Ceph cleans up' : `${pg_stats.length} placement groups with ${objects} objects left`;
  return { safe: false, pgs: pg_stats.length, text };
}
