/** Whether an OSD may be taken away, for plans: refused with every reason, or warned of them. @module */
import { type Doc, formatBytes, type PlanBuilder, type View } from '../../../core/plugin/api.ts';
import type { CephCommand } from '../command/ceph-command.ts';
import { ownEntryIn } from './osd-end.ts';
import { type OsdSpec, osdError } from './osd-kind.ts';
import { osdMap } from './osd-map.ts';
import { risksOfRemoval } from './removal-risk.ts';
import { storageFacts } from './storage-facts.ts';

/** While one of these is set, no data moves. */
const standingFlags = ['norebalance', 'nobackfill', 'norecover', 'pauserd', 'pausewr'];

export interface Removable {
  /** The node that has the disk runs. */
  readonly there: boolean;
  /** Ceph still has it. */
  readonly known: boolean;
  /** Bytes of pools on it. */
  readonly dataBytes: number;
}

/** @throws PvcError OSD_NEEDED, and what Ceph refuses */
export async function checkRemoval(
  plan: PlanBuilder,
  view: View,
  ceph: CephCommand,
  doc: Doc<OsdSpec, unknown>,
  force: boolean,
): Promise<Removable> {
  const id = Number(doc.id);
  const { node, uuid } = doc.spec;
  const [{ osds, flags }, facts, alive] = await Promise.all([osdMap(ceph), storageFacts(ceph, id), view.alive()]);
  const entry = ownEntryIn(osds, { id, uuid });
  const there = alive.has(node);
  if (!there && entry?.up === true) {
    const details = [`it runs, and the daemon of ${node} that could end it does not`];
    throw osdError('OSD_NEEDED', { osd: id }, { details });
  }
  // One that was destroyed already holds nothing any more.
  const risks = entry === undefined || entry.destroyed ? [] : risksOfRemoval(id, facts);
  if (risks.length > 0 && !force) throw osdError('OSD_NEEDED', { osd: id }, { details: risks });
  for (const risk of risks) plan.warn(`Data is at risk: ${risk}.`);
  const dataBytes = facts.osds.find((one) => one.id === id)?.dataBytes ?? 0;
  if (force && entry !== undefined)
    plan.warn(
      `Its data (${formatBytes(dataBytes)}) does not move away first: until Ceph has made new copies, each piece has one replica less.`,
    );
  const standing = flags.filter((flag) => standingFlags.includes(flag));
  if (!force && standing.length > 0)
    plan.warn(`No data moves while ${standing.join(', ')} is set; the task waits until it is not.`);
  return { there, known: entry !== undefined, dataBytes };
}
