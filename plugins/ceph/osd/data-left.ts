/** How much of an OSD that is out still lies on it alone. @module */
import { z } from '../../../core/plugin/api.ts';
import { type CephCommand, complaint, parsed } from '../command/ceph-command.ts';
import { cephError } from '../command/errors.ts';

/** `ceph osd safe-to-destroy`; with `--format json` Ceph 16 ends well also when the answer is no. */
const safeAnswer = z.looseObject({ safe_to_destroy: z.array(z.int()) });
/** `ceph pg ls-by-osd`; Ceph 16 leaves the list out when it is empty. */
const groupsAnswer = z.looseObject({
  pg_stats: z
    .array(z.looseObject({ state: z.string(), stat_sum: z.looseObject({ num_objects: z.int() }) }))
    .default([]),
});

export interface DataLeft {
  /** Every piece of it is elsewhere as often as its pool wants. */
  readonly safe: boolean;
  readonly pgs: number;
  /** For people. */
  readonly text: string;
}

/** `ceph pg stat` */
const statesAnswer = z.looseObject({
  pg_summary: z.looseObject({
    num_pgs: z.int(),
    num_pg_by_state: z.array(z.looseObject({ name: z.string(), num: z.int() })),
  }),
});
/** `ceph pg dump osds`: what OSDs have told of themselves. Of one that was just marked out nothing is known: its size is 0. */
const osdsAnswer = z.looseObject({
  osd_stats: z.array(z.looseObject({ osd: z.int(), kb: z.number(), num_pgs: z.int() })),
});

/** EAGAIN, EBUSY (errno.h): what Ceph ends with while it cannot tell yet, and while the answer is no. */
const notYet: readonly (number | null)[] = [11, 16];

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
async function saidSafe(ceph: CephCommand, id: number): Promise<boolean> {
  const args = ['osd', 'safe-to-destroy', String(id), '--format', 'json'];
  const result = await ceph.tryCeph(args);
  if (result.code === 0)
    return parsed(safeAnswer, `ceph ${args.join(' ')}`, result.stdout).safe_to_destroy.includes(id);
  if (notYet.includes(result.code)) return false;
  throw cephError('CEPH_REFUSED', { what: `whether osd.${id} is needed`, reason: complaint(result) });
}

/** How many placement groups lack a copy, wherever: what an OSD held that is out is one of them until it is elsewhere. */
async function notWhole(ceph: CephCommand): Promise<number> {
  const { num_pgs, num_pg_by_state } = (await ceph.ask(statesAnswer, ['pg', 'stat'])).pg_summary;
  const clean = num_pg_by_state.filter(({ name }) =>
    ['active', 'clean'].every((word) => name.split('+').includes(word)),
  );
  return num_pgs - clean.reduce((sum, { num }) => sum + num, 0);
}

/** Placement groups that lie on it, whether they are needed or not; undefined: it has not told since it was marked out. */
async function groupsTold(ceph: CephCommand, id: number): Promise<number | undefined> {
  const { osd_stats } = await ceph.ask(osdsAnswer, ['pg', 'dump', 'osds']);
  const told = osd_stats.find(({ osd }) => osd === id);
  return told === undefined || told.kb === 0 ? undefined : told.num_pgs;
}

/**
 * Ceph's own answer is not enough while anything recovers: it counts what the OSD has told, which is reset to nothing when
 * the OSD is marked out, so that it says yes until the OSD tells again, some seconds later (seen with Ceph 16.2: the only
 * third copies were on it; `PGMap::stat_osd_out` of its mon/PGMap.cc, `safe-to-destroy` of its mgr/DaemonServer.cc).
 */
const isSafe = async (ceph: CephCommand, id: number): Promise<boolean> =>
  (await saidSafe(ceph, id)) && ((await notWhole(ceph)) === 0 || (await groupsTold(ceph, id)) === 0);

/** @throws PvcError CEPH_AWAY, CEPH_REFUSED, CEPH_STRANGE */
export async function dataLeft(ceph: CephCommand, id: number): Promise<DataLeft> {
  if (await isSafe(ceph, id)) return { safe: true, pgs: 0, text: 'none left' };
  const { pg_stats } = await ceph.ask(groupsAnswer, ['pg', 'ls-by-osd', String(id)]);
  if (pg_stats.length > 0) {
    const objects = pg_stats.reduce((sum, { stat_sum }) => sum + stat_sum.num_objects, 0);
    const text = `${pg_stats.length} placement groups with ${objects} objects left`;
    return { safe: false, pgs: pg_stats.length, text };
  }
  // A group whose log reaches back to its beginning is mended from the other copies: it is not counted to this OSD any more.
  const pgs = await notWhole(ceph);
  const text = pgs > 0 ? `${pgs} placement groups are not whole yet` : 'Ceph has yet to see that none is left';
  return { safe: false, pgs, text };
}
